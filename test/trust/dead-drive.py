"""A network drive that is dead: `dead-drive.py <folder>` mounts a file system there that answers nothing but its start.

Prints "mounted", and "asked" once a program waits for it. Unmounts when its stdin is closed. Needs root and /dev/fuse.
The protocol: linux/fuse.h.
"""

import ctypes
import os
import select
import struct
import sys

folder = sys.argv[1]
libc = ctypes.CDLL(None, use_errno=True)
device = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
if libc.mount(b"dead", folder.encode(), b"fuse.dead", 0, options.encode()) != 0:
    sys.exit(f"cannot mount: {os.strerror(ctypes.get_errno())}")
try:
    # FUSE_INIT, the only question that is answered: version 7.31, no features.
    unique = struct.unpack_from("<IIQ", os.read(device, 65536))[2]
    answer = struct.pack("<IIIIHHII", 7, 31, 0, 0, 16, 16, 4096, 1) + bytes(32)
    os.write(device, struct.pack("<IiQ", 16 + len(answer), 0, unique) + answer)
    print("mounted", flush=True)
    waiting = [device, sys.stdin]
    while sys.stdin in (ready := select.select(waiting, [], [])[0]) or device in ready:
        if sys.stdin in ready:
            break
        # Left unread: a program can be killed while its question has not been taken.
        print("asked", flush=True)
        waiting = [sys.stdin]
finally:
    # MNT_DETACH; closing the device then fails whatever still waits.
    libc.umount2(folder.encode(), 2)
