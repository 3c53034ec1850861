/* A camera for FFmpeg's Video4Linux reader, loaded before libc with LD_PRELOAD.
 *
 * The folder $V4L2_DRIVER holds its device, "video7", its pictures, "1280.jpg" and "640.jpg", and
 * whatever files a test puts there to make it misbehave: "unplugged", "busy", "forbidden" and
 * "stalled". It offers MJPEG and YUYV, 1280x720 and 640x480, 30 pictures a second; what is asked
 * of it besides, it changes to that, as drivers do. Its buffers lie in a file in memory, so that
 * mmap needs no stand-in; raw pictures are red.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { BUFFERS = 4, ROOM = 1 << 22, RATE = 30 };

static int device = -1;
static int queue[BUFFERS], queued;
static struct v4l2_pix_format format;
static double next_at;

static const char *in_folder(const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("V4L2_DRIVER"), name);
    return path;
}

static int is(const char *state) { return access(in_folder(state), F_OK) == 0; }

static int fail(int error) {
    errno = error;
    return -1;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static int set_format(struct v4l2_pix_format *asked) {
    int is_large = asked->width >= 1280;
    format.width = is_large ? 1280 : 640;
    format.height = is_large ? 720 : 480;
    format.pixelformat = asked->pixelformat == V4L2_PIX_FMT_MJPEG ? V4L2_PIX_FMT_MJPEG
                                                                  : V4L2_PIX_FMT_YUYV;
    format.field = V4L2_FIELD_NONE;
    format.sizeimage = format.width * format.height * 2;
    *asked = format;
    return 0;
}

static size_t draw(unsigned char *target) {
    if (format.pixelformat == V4L2_PIX_FMT_MJPEG) {
        FILE *file = fopen(in_folder(format.width == 1280 ? "1280.jpg" : "640.jpg"), "rb");
        size_t size = fread(target, 1, ROOM, file);
        fclose(file);
        return size;
    }
    for (unsigned i = 0; i < format.sizeimage; i += 4)
        memcpy(target + i, "\x51\x5a\x51\xf0", 4);
    return format.sizeimage;
}

static int dequeue(struct v4l2_buffer *buffer) {
    static unsigned char picture[ROOM];
    if (is("stalled") || !queued || now() < next_at)
        return fail(EAGAIN); /* so it was opened, see take_device */
    next_at = now() + 1.0 / RATE;
    buffer->index = queue[0];
    memmove(queue, queue + 1, --queued * sizeof *queue);
    buffer->bytesused = draw(picture);
    pwrite(device, picture, buffer->bytesused, (off_t)buffer->index * ROOM);
    buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    double time = now();
    buffer->timestamp.tv_sec = (long)time;
    buffer->timestamp.tv_usec = (long)((time - (long)time) * 1e6);
    return 0;
}

static int describe(struct v4l2_capability *answer) {
    answer->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
    answer->capabilities = answer->device_caps | V4L2_CAP_DEVICE_CAPS;
    return 0;
}

static int list_format(struct v4l2_fmtdesc *answer) {
    if (answer->index > 1)
        return fail(EINVAL);
    answer->pixelformat = answer->index ? V4L2_PIX_FMT_YUYV : V4L2_PIX_FMT_MJPEG;
    return 0;
}

static int list_size(struct v4l2_frmsizeenum *answer) {
    if (answer->index > 1)
        return fail(EINVAL);
    answer->type = V4L2_FRMSIZE_TYPE_DISCRETE;
    answer->discrete.width = answer->index ? 640 : 1280;
    answer->discrete.height = answer->index ? 480 : 720;
    return 0;
}

static int set_rate(struct v4l2_streamparm *asked) {
    asked->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
    asked->parm.capture.timeperframe = (struct v4l2_fract){1, RATE};
    return 0;
}

static int map(struct v4l2_buffer *buffer) {
    buffer->length = ROOM;
    buffer->m.offset = buffer->index * ROOM;
    return 0;
}

static int answer(unsigned request, void *argument) {
    struct v4l2_buffer *buffer = argument;
    if (is("unplugged"))
        return fail(ENODEV);
    switch (request) {
    case VIDIOC_QUERYCAP: return describe(argument);
    case VIDIOC_ENUM_FMT: return list_format(argument);
    case VIDIOC_ENUM_FRAMESIZES: return list_size(argument);
    case VIDIOC_G_INPUT: *(int *)argument = 0; return 0;
    case VIDIOC_ENUMINPUT: return 0;
    case VIDIOC_G_FMT: ((struct v4l2_format *)argument)->fmt.pix = format; return 0;
    case VIDIOC_S_FMT:
        return is("busy") ? fail(EBUSY) : set_format(&((struct v4l2_format *)argument)->fmt.pix);
    case VIDIOC_G_PARM:
    case VIDIOC_S_PARM: return set_rate(argument);
    case VIDIOC_REQBUFS: ((struct v4l2_requestbuffers *)argument)->count = BUFFERS; return 0;
    case VIDIOC_QUERYBUF: return map(argument);
    case VIDIOC_QBUF: queue[queued++] = buffer->index; return 0;
    case VIDIOC_DQBUF: return dequeue(argument);
    case VIDIOC_STREAMON:
    case VIDIOC_STREAMOFF: return 0;
    }
    return fail(ENOTTY);
}

static int take_device(int flags) {
    if (is("forbidden"))
        return fail(EACCES);
    if (is("unplugged"))
        return fail(ENODEV);
    if (!(flags & O_NONBLOCK)) /* it would wait for ever while it is stalled */
        abort();
    struct v4l2_pix_format first = {.width = 640, .pixelformat = V4L2_PIX_FMT_YUYV};
    device = memfd_create("camera", 0);
    ftruncate(device, (off_t)BUFFERS * ROOM);
    queued = 0;
    set_format(&first);
    return device;
}

#define OPEN(name)                                                                               \
    int name(const char *path, int flags, ...) {                                                 \
        va_list rest;                                                                            \
        va_start(rest, flags);                                                                   \
        mode_t mode = va_arg(rest, mode_t);                                                      \
        va_end(rest);                                                                            \
        if (strcmp(path, in_folder("video7")) == 0)                                              \
            return take_device(flags);                                                           \
        return ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name))(path, flags, mode);    \
    }
OPEN(open)
OPEN(open64)

int close(int file) {
    if (file == device)
        device = -1;
    return ((int (*)(int))dlsym(RTLD_NEXT, "close"))(file);
}

int ioctl(int file, unsigned long request, ...) {
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (file == device && device >= 0)
        return answer((unsigned)request, argument);
    return ((int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl"))(file, request, argument);
}
