/* SPDX-License-Identifier: MIT */
/* Inside of another program: reads the file that $REACH names, and ends. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void run(void)
{
	const char *path = getenv("REACH");
	char buffer[4096];
	ssize_t n = -1;
	int fd = path ? open(path, O_RDONLY) : -1;

	if (fd >= 0)
		n = read(fd, buffer, sizeof(buffer));
	_exit(n >= 0 && write(STDOUT_FILENO, buffer, (size_t)n) == n ? 0 : 1);
}
