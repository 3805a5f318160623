"""Stands in for the display library that picamera2 imports and our use of it never reaches."""


class PixelFormat:
    """Any name of a format is there."""

    def __getattr__(self, name: str) -> str:
        return name


PixelFormat = PixelFormat()  # type: ignore[assignment,misc]
