# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Builds message packages from their .msg text, for those that ROS 2 wheels lack.

The generators, headers and libraries of the wheels and the compiler of the system do what colcon
does: the messages are the real ones, with their names and type hashes on the wire.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

TEXTS = {
    "vision_msgs": {
        "VisionClass": "uint16 class_id\nstring class_name\n",
        "LabelInfo": (
            "std_msgs/Header header\nvision_msgs/VisionClass[] class_map\nfloat32 threshold\n"
        ),
    },
    "tf2_msgs": {"TFMessage": "geometry_msgs/TransformStamped[] transforms\n"},
}
"""As published by the packages, without their comments."""
USES = {"vision_msgs": ("std_msgs",), "tf2_msgs": ("geometry_msgs",)}

_GENERATE = """
import importlib.metadata, sys
from pathlib import Path
import rosidl_cli.entry_points as found
# The wheels list every generator twice, which rosidl refuses.
found.get_entry_points = lambda group, *, specs=None, strict=False: {
    one.name: one for one in importlib.metadata.entry_points(group=group)
    if not specs or one.name in specs
}
from rosidl_cli.command.generate.api import generate
package, share, *files = sys.argv[1:]
generate(package_name=package, interface_files=files, include_paths=[share],
         output_path=Path("out"), types=["c", "py"], typesupports=["fastrtps_c"])
"""
_ALIAS = """
#define HANDLE(BY, TYPE) BY##__get_message_type_support_handle__##TYPE(void)
#define ALIAS(TYPE) \\
  extern const void * HANDLE(rosidl_typesupport_fastrtps_c, TYPE); \\
  const void * HANDLE(rosidl_typesupport_c, TYPE) {{ \\
    return rosidl_typesupport_fastrtps_c__get_message_type_support_handle__##TYPE(); }}
{}
"""
"""With one kind of type support there is nothing to choose from."""


def why_not() -> str:
    """Return why nothing can be built here, or an empty text."""
    if "cyclonedds" in os.environ.get("RMW_IMPLEMENTATION", ""):
        return "only the type support of Fast DDS and Zenoh is built, not that of CycloneDDS"
    headers = Path(sys.prefix, "include", "rosidl_typesupport_fastrtps_c")
    if not headers.is_dir():
        return "the wheels bring no headers of ROS 2"
    if shutil.which("gcc") is None or shutil.which("g++") is None:
        return "needs gcc and g++"
    if not Path(sysconfig.get_paths()["include"], "Python.h").is_file():
        return "needs the headers of Python"
    return ""


def build(package: str, folder: Path) -> Path:
    """Build a package of TEXTS in `folder`; return the folder to import it from."""
    work, root = folder / package, folder / "import"
    shutil.rmtree(work, ignore_errors=True)
    (work / "msg").mkdir(parents=True)
    names = list(TEXTS[package])
    for name, text in TEXTS[package].items():
        (work / "msg" / f"{name}.msg").write_text(text, encoding="utf-8")
    prefix = Path(sys.prefix)
    env = {**os.environ, "AMENT_PREFIX_PATH": str(prefix)}
    env["PATH"] = f"{prefix / 'bin'}{os.pathsep}{env['PATH']}"
    files = [f"msg/{name}.msg" for name in names]
    _run([sys.executable, "-c", _GENERATE, package, str(prefix / "share"), *files], work, env)
    (include := work / "include").mkdir()
    shutil.copytree(work / "out" / "c", include / package)
    shutil.copytree(work / "out" / "fastrtps_c", include / package, dirs_exist_ok=True)
    shutil.copytree(work / "out" / "py" / "msg", root / package / "msg", dirs_exist_ok=True)
    (root / package / "__init__.py").touch()
    alias = work / "alias.c"
    lines = (f"ALIAS({package}__msg__{name})" for name in names)
    alias.write_text(_ALIAS.format("\n".join(lines)), encoding="utf-8")
    detail, py = include / package / "msg" / "detail", work / "out" / "py"
    sources = [
        *sorted(detail.glob("*.c")),
        *sorted(py.glob("msg/*.c")),
        py / f"_{package}_s.ep.rosidl_typesupport_c.c",
        alias,
    ]
    import numpy as np

    folders = [include, prefix / "include", *sorted((prefix / "include").glob("*/"))]
    folders += [Path(sysconfig.get_paths()["include"]), Path(np.get_include())]
    flags = ["-O0", "-w", "-fPIC", *(f"-I{one}" for one in folders)]
    (objects := work / "o").mkdir()
    _run(["gcc", *flags, "-c", *map(str, sources)], objects, env)
    _run(["g++", "-std=c++17", *flags, "-c", *map(str, sorted(detail.glob("*.cpp")))], objects, env)
    library = root / package / f"{package}_s__rosidl_typesupport_c.so"
    wanted = [
        f"{one}__rosidl_{part}"
        for one in (*USES[package], "builtin_interfaces")
        for part in ("generator_c", "generator_py", "typesupport_fastrtps_c")
    ]
    wanted += [f"rosidl_{x}" for x in ("runtime_c", "typesupport_fastrtps_c", "typesupport_c")]
    links = [str(prefix / "lib" / f"lib{name}.so") for name in wanted]
    links += [str(prefix / "lib" / "librosidl_typesupport_fastrtps_cpp.so")]
    links += [str(next((prefix / "lib").glob("libfastcdr.so*")))]
    _run(["g++", "-shared", "-o", str(library), *map(str, objects.glob("*.o")), *links], work, env)
    return root


def _run(command: list[str], folder: Path, env: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
