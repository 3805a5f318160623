"""Goal: let setuptools build `stillroom._native` with cffi from pyproject.toml alone.

pyproject.toml has no key for cffi's `cffi_modules`, and a setup.py at the top would only say this one line.
An editable install becomes two lines in a .pth file: setuptools' own import hook for two source folders costs
13 ms and 2 MiB in each process, and there are three processes.
"""

import functools
from pathlib import Path

import setuptools
from setuptools.command import editable_wheel

ROOTS = [Path("runtime"), Path("tools")]


class EditableWheel(editable_wheel.editable_wheel):
    """Both source folders on the path; setuptools' own way where a later setuptools has no such class."""

    def _select_strategy(self, name, tag, build_lib):
        static = getattr(editable_wheel, "_StaticPth", None)
        if static is None:
            return super()._select_strategy(name, tag, build_lib)
        return static(self.distribution, name, ROOTS)


setuptools.setup = functools.partial(
    setuptools.setup,
    cffi_modules=["native/build.py:ffi"],
    cmdclass={"editable_wheel": EditableWheel},
)

from setuptools.build_meta import *  # noqa: E402, F403
