"""Start a command that finds a directory at /flywheel/v0, as gears do in their images. Linux only.

Usage: ``python mounted.py DIRECTORY ROOT COMMAND [ARGUMENT …]``, with an empty directory to become the command's root.

The command sees the same files as everybody else, in a mount namespace of its own (as unprivileged users in a user
namespace, too, where the kernel lets them). It takes the place of this process, which it shares with nothing of the
engine: it needs the standard library alone.
"""

import contextlib
import ctypes
import os
import sys
from pathlib import Path

HOME = Path("/flywheel/v0")

_NEW_MOUNTS, _NEW_USERS = 0x00020000, 0x10000000  # linux/sched.h
_BIND, _RECURSIVE, _PRIVATE = 4096, 16384, 1 << 18  # linux/mount.h


def enter(directory: Path, root: Path) -> None:
    """Make `root` the root directory of this process, with all that is in ``/``, and `directory` in its place.

    Raises
    ------
    OSError
        The system does not let us.
    """
    user, group = os.geteuid(), os.getegid()
    try:
        _call("unshare", _NEW_MOUNTS)
    except PermissionError:
        _call("unshare", _NEW_MOUNTS | _NEW_USERS)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _mount("none", Path("/"), _RECURSIVE | _PRIVATE)
    _mount("tmpfs", root, 0, kind="tmpfs")
    for entry in Path("/").iterdir():
        if entry != HOME.parent:
            _show(entry, root)
    inside = root / HOME.relative_to("/")
    inside.mkdir(parents=True)
    _mount(str(directory), inside, _BIND | _RECURSIVE)
    os.chroot(root)
    os.chdir(HOME)


def _show(entry: Path, root: Path) -> None:
    """Put an entry of ``/`` at the same place below another root; one that cannot be shown is left out."""
    target = root / entry.name
    with contextlib.suppress(OSError):
        if entry.is_symlink():
            target.symlink_to(entry.readlink())
            return
        if entry.is_dir():
            target.mkdir()
        else:
            target.touch()
        _mount(str(entry), target, _BIND | _RECURSIVE)


def _mount(source: str, target: Path, flags: int, kind: str = "none") -> None:
    _call("mount", source.encode(), str(target).encode(), kind.encode(), flags, None)


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    enter(Path(sys.argv[1]), Path(sys.argv[2]))
    os.execvp(sys.argv[3], sys.argv[3:])  # noqa: S606 - running what it is given is its purpose
