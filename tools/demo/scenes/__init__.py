"""Drawn street and park scenes whose every object is known to the pixel.

    director, showcase --> Scene: Camera, Light, Backdrop and Actors (each a Figure that moves)
    Scene.render(time) --> Picture: image and objects with their masks

A scene is a function of time: a still is one call, a clip is many. From the bottom up:

    color, shapes       colours and outlines as plain numbers
    pen                 draws outlines, with light and shade, into a patch of a picture
    textures            small tiles that repeat
    skeleton            where limbs are while somebody walks, runs, rides or sits
    looks, people, heads            what people look like, drawn around a skeleton
    figure                          what can be drawn: an interface
    pedestrians, cycles, cars, buses, dogs, balls, benches, kites, umbrellas    objects to find
    plants                          trees, lamp posts and others that are not
    camera, light       where from and in what light
    compositor          puts figures into a picture, with shadows, and knows whose each pixel is
    ground, houses, backdrop        what is behind all figures
    finish              what a real camera adds: exposure, blur, noise
    scene               all of it together
    places, director    who is where in a random scene
    showcase            the scene of the demo clip
"""
