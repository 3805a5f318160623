"""Goal: `stillroom._native`, compiled when the wheel is built, one abi3 wheel for every Python from 3.11 on.

cffi in API mode reads the same header as the C compiler, so the two cannot come apart.
Run by setuptools (`cffi_modules` in pyproject.toml) from the top of the repository.
"""

from pathlib import Path

from cffi import FFI

NATIVE = Path("native")
HEADERS = ["distil.h", "fifth.h", "locked.h", "staged.h"]
SOURCES = ["distil.c", "orders.c", "upright.c", "rotated.c", "stream.c", "fifth.c", "locked.c", "staged.c"]


def declarations(header: str) -> str:
    """A header as cffi can read it: without the lines that speak to the preprocessor alone."""
    lines = (Path(__file__).parent / header).read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith(("#include", "#pragma")))


ffi = FFI()
for name in HEADERS:
    ffi.cdef(declarations(name))
ffi.set_source(
    "stillroom._native",
    "\n".join(f'#include "{name}"' for name in HEADERS),
    sources=[str(NATIVE / name) for name in SOURCES],
    include_dirs=[str(NATIVE)],
    depends=[str(path) for path in sorted(Path(__file__).parent.glob("*.[ch]"))],
    extra_compile_args=[
        "-std=gnu11",
        "-O3",
        "-ffp-contract=off",  # one rounding for each operation, as in NumPy and on every processor
        "-g0",  # or Python's own -g quadruples the wheel
        "-Wall",
        "-Wextra",
        "-Wno-unused-parameter",  # in what cffi generates
        "-fvisibility=hidden",
    ],
)
