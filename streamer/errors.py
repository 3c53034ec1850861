"""What can go wrong, as one tree.

    StreamerError                 exit code 1
    ├── RequestError              exit code 2: what was asked for cannot be done
    │   ├── SettingsError         an option, alone or together with others
    │   ├── SourceError           the source cannot be opened or holds no picture
    │   ├── SinkError             the output cannot be opened
    │   ├── ModelError            the model cannot be read or fits no contract
    │   └── DeviceError           the device is not there or will not take the model
    └── RunError                  it broke while running
        ├── StageError            a stage of the pipeline raised; carries its name
        ├── ReadError             the source broke after it had been opened
        ├── WriteError            the output broke after it had been opened
        └── InferenceError        the device failed, or gives answers that differ

The message of every error is one line that names the thing and the way out.
"""


class StreamerError(Exception):
    """Base of all errors that this package raises on purpose."""

    exit_code = 1


class RequestError(StreamerError):
    """What was asked for cannot be done."""

    exit_code = 2


class SettingsError(RequestError):
    """An option is wrong, alone or together with others."""


class SourceError(RequestError):
    """The source cannot be opened or holds no picture."""


class SinkError(RequestError):
    """The output cannot be opened."""


class ModelError(RequestError):
    """The model cannot be read or fits no contract."""


class DeviceError(RequestError):
    """The device is not there or will not take the model."""


class RunError(StreamerError):
    """It broke while running."""


class StageError(RunError):
    """A stage of the pipeline raised; its own exception is the ``__cause__``.

    Attributes:
        stage: name of the stage, such as ``"sink"``.
    """

    def __init__(self, stage: str, cause: BaseException) -> None:
        super().__init__(f"{stage}: {one_line(cause)}")
        self.stage = stage
        if isinstance(cause, StreamerError):
            self.exit_code = cause.exit_code


class ReadError(RunError):
    """The source broke after it had been opened."""


class WriteError(RunError):
    """The output broke after it had been opened."""


class InferenceError(RunError):
    """The device failed, or requests that run together disagree."""


def one_line(error: BaseException) -> str:
    """The message of ``error`` on one line; its type's name where there is no message."""
    text = " ".join(str(error).split())
    return text if isinstance(error, StreamerError) and text else _with_type(error, text)


def last_line(error: BaseException) -> str:
    """What an error of OpenVINO says: its last line; those above name its own source files."""
    lines = [" ".join(line.split()) for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else one_line(error)


def _with_type(error: BaseException, text: str) -> str:
    name = type(error).__name__
    return f"{name}: {text}" if text else name
