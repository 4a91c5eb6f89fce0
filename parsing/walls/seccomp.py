"""A system call filter: parsers may read and compute, and need no socket and no file to write.

Written by hand as the few BPF instructions it is, for neither Python nor the kernel offers more
than `prctl`. Other systems than Linux on x86-64 and ARM64 go without.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys

_PR_SET_SECCOMP, _FILTER_MODE = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_WRITE_FLAGS = 0x1 | 0x2 | 0x40 | 0x200
"""O_WRONLY, O_RDWR, O_CREAT, O_TRUNC; their values are the same on both architectures."""

_X86_64, _ARM64 = 0xC000003E, 0xC00000B7
_DENIED = {
    # socket connect bind listen ptrace process_vm_readv/writev mount umount2 unshare setns bpf
    # pidfd_send_signal pidfd_open pidfd_getfd add_key request_key keyctl kexec_load init_module
    # finit_module io_uring_setup userfaultfd perf_event_open open_by_handle_at; then shared memory,
    # semaphores and messages, which outlive a reader; then whatever changes names, modes, owners
    # or lengths.
    _X86_64: (
        41, 42, 49, 50, 101, 310, 311, 165, 166, 272, 308, 321, 424, 434, 438, 248, 249, 250, 246,
        175, 313, 425, 323, 298, 304,
        29, 30, 31, 64, 65, 66, 67, 68, 69, 70, 71, 220, 240, 241,
        76, 82, 83, 84, 85, 86, 87, 88, 90, 91, 92, 93, 94, 133, 258, 259, 260, 263,
        264, 265, 266, 268, 316,
    ),
    _ARM64: (
        198, 203, 200, 201, 117, 270, 271, 40, 39, 97, 268, 280, 424, 434, 438, 217, 218,
        219, 104, 105, 273, 425, 282, 241, 265,
        180, 181, 186, 187, 188, 189, 190, 191, 192, 193, 194, 195, 196, 197,
        45, 33, 34, 35, 36, 37, 38, 52, 53, 54, 55, 276,
    ),
}  # fmt: skip
_LIMITS_OF_OTHERS = {_X86_64: 302, _ARM64: 261}
"""prlimit64, whose first argument is 0 for the process itself."""
_SIGNALS = {_X86_64: (62, 200, 234, 129, 297), _ARM64: (129, 130, 131, 138, 240)}
"""kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo."""
MACHINES = {"x86_64": _X86_64, "aarch64": _ARM64}
_OPENS = {_X86_64: ((2, 1), (257, 2)), _ARM64: ((56, 2),)}
"""(number, position of the flags among the arguments) of open and openat."""
_CLONES = {_X86_64: 56, _ARM64: 220}
_NAMESPACES = 0x7E020000
"""Flags of clone for new namespaces. In a user namespace a reader would have every capability."""
_OPENAT2, _CLONE3 = 437, 435
"""Their flags are in memory, where a filter cannot look; libc falls back on the older calls."""
_FOREIGN_NUMBERS = 0x40000000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def install_filter() -> bool:
    """Forbid the calls for this process and all it will start; False where that is not possible.

    Needs PR_SET_NO_NEW_PRIVS to be set before.
    """
    architecture = MACHINES.get(platform.machine())
    return architecture is not None and _install(_build(architecture))


def forbid_kill() -> bool:
    """Forbid signals to any process, for kernels whose Landlock does not know signals."""
    architecture = MACHINES.get(platform.machine())
    if architecture is None:
        return False
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    steps = [(_LOAD, 0, 0, _NUMBER_AT)]
    for number in _SIGNALS[architecture]:
        steps += [(_EQUAL, 0, 1, number), refuse]
    return _install([*steps, (_RETURN, 0, 0, _ALLOW)])


def _install(steps: list[tuple[int, int, int, int]]) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    code = b"".join(struct.pack("<HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.prctl(_PR_SET_SECCOMP, _FILTER_MODE, ctypes.byref(program), 0, 0)
    return bool(done == 0)


def _build(architecture: int) -> list[tuple[int, int, int, int]]:
    """(operation, steps to skip if true, if false, value): each test is followed by its answer."""
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    missing = (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, architecture),
        refuse,
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 0, 1, _FOREIGN_NUMBERS),
        refuse,
        (_EQUAL, 0, 1, _OPENAT2),
        missing,
        (_EQUAL, 0, 1, _CLONE3),
        missing,
    ]
    for number in _DENIED[architecture]:
        steps += [(_EQUAL, 0, 1, number), refuse]
    steps += [
        (_EQUAL, 0, 4, _LIMITS_OF_OTHERS[architecture]),
        (_LOAD, 0, 0, _ARGUMENTS_AT),
        (_EQUAL, 1, 0, 0),
        refuse,
        (_RETURN, 0, 0, _ALLOW),
    ]
    flagged = [(*call, _WRITE_FLAGS) for call in _OPENS[architecture]]
    flagged.append((_CLONES[architecture], 0, _NAMESPACES))
    for number, argument, flags in flagged:
        steps += [
            (_EQUAL, 0, 4, number),
            (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument),
            (_ANY_BIT, 0, 1, flags),
            refuse,
            (_RETURN, 0, 0, _ALLOW),
        ]
    return [*steps, (_RETURN, 0, 0, _ALLOW)]
