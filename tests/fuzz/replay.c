/* SPDX-License-Identifier: MIT */
/* replay: feeds every file of a corpus folder to a fuzz target, without a fuzzer. */
#include <dirent.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of exactly its size, so that the sanitizers see a read beyond its end. */
static uint8_t *read_all(FILE *f, const char *path, size_t *ret_size)
{
	long size;
	uint8_t *data;

	if (fseek(f, 0, SEEK_END) < 0 || (size = ftell(f)) < 0 ||
	    fseek(f, 0, SEEK_SET) < 0)
		err(1, "%s", path);
	data = malloc((size_t)size);
	if (!data && size > 0)
		err(1, "%s", path);
	if (fread(data, 1, (size_t)size, f) != (size_t)size)
		errx(1, "%s: short read", path);
	*ret_size = (size_t)size;
	return data;
}

static void replay(const char *folder, const char *name)
{
	char *path;
	uint8_t *data;
	size_t size;
	FILE *f;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		err(1, "%s", name);
	f = fopen(path, "rb");
	if (!f)
		err(1, "%s", path);
	data = read_all(f, path, &size);
	/* Last on stderr when the target crashes. */
	fprintf(stderr, "%s\n", name);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	fclose(f);
	free(path);
}

static int is_input(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	struct dirent **names;
	int n;

	if (argc != 2)
		errx(2, "usage: %s FOLDER", argv[0]);
	n = scandir(argv[1], &names, is_input, alphasort);
	if (n < 0)
		err(1, "%s", argv[1]);
	if (n == 0)
		errx(1, "%s: no inputs", argv[1]);
	for (int i = 0; i < n; i++) {
		replay(argv[1], names[i]->d_name);
		free(names[i]);
	}
	free(names);
	printf("%d inputs\n", n);
	return 0;
}
