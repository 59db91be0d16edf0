"""Processes that a test has started, and theirs: found by descent, waited for, killed by their ids. Linux only."""

import ctypes
import os
import select
import signal
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def adopt():
    """From now on, processes whose parents die become children of this one, and are found."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def descendants(root):
    """The ids of all processes below this one, with their command lines."""
    children, commands = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                # Behind the name, which may hold anything, come state and parent.
                parent = int((entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
            commands[int(entry.name)] = command
    found, open_ends = {}, [root]
    while open_ends:
        below = children.get(open_ends.pop(), [])
        found.update({pid: commands[pid] for pid in below})
        open_ends.extend(below)
    return found


def kill(pid):
    """Kills it, if it has not ended; tells whether it was there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def has_ended(pid, seconds):
    """Waits so long for its end."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def end_all(patience_s):
    """Waits until nothing runs below this process, and kills what still does; tells which those were."""
    deadline = time.monotonic() + patience_s
    late = {}
    while alive := _alive():
        for pid, command in alive.items():
            if not has_ended(pid, max(0, deadline - time.monotonic())):
                late[pid] = command
                kill(pid)
                has_ended(pid, patience_s)
    return late


def _alive():
    """The processes below this one, without those that have ended: these are forgotten."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        return {}
    return descendants(os.getpid())
