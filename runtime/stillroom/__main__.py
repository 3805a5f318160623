"""Where the program begins. Until there is somebody to answer Ctrl-C with one line, it simply ends the process."""

import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> int:
    """Run the command line. Returns its exit code."""
    from stillroom import cli

    signal.signal(signal.SIGINT, signal.default_int_handler)
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
