# SPDX-License-Identifier: MIT
"""An error that the filesystem finds is told, wherever it is."""

import subprocess

from harness import case, equal, main
from machine import need, run, temp_dir
from watch import Watch


@case("ext4")
def broken_inode(kind):
    """A directory whose map of blocks is overwritten: reading it is an error of the filesystem."""
    need("mkfs.ext4", "debugfs")
    image, top = temp_dir() / "image", temp_dir("mnt")
    with open(image, "wb") as f:
        f.truncate(16 << 20)
    run("mkfs.ext4", "-q", "-F", image)
    run("mount", "-o", "loop", image, top)
    (top / "broken").mkdir()
    inode = (top / "broken").stat().st_ino
    run("umount", top)
    run("debugfs", "-w", "-R", "sif broken block[0] 99999999", image)
    run("mount", "-o", "loop", image, top)
    try:
        with Watch("-e", "fs_error", top) as watch:
            read = subprocess.run(["ls", top / "broken"], capture_output=True, check=False)
            equal(read.returncode != 0, True, "ls of a broken directory fails")
            record = watch.wait_for(lambda r: "fs_error" in r["events"], "the error")
            watch.stop()
    finally:
        run("umount", top)
    equal(record["inode"], inode, "the inode that is broken")
    equal(record["error"], "EUCLEAN", "the error")
    equal(record["fs"], kind, "the filesystem")


main()
