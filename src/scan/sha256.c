/* SPDX-License-Identifier: MIT */
/* A list of SHA-256 checksums of what is unwanted, as sha256sum(1) prints them. */
#include <errno.h>
#include <nettle/sha2.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "scan/content.h"
#include "scan/scanner.h"

enum {
	LIST_SIZE_MAX = 256 * 1024 * 1024,
	HEX_LEN = 2 * SHA256_DIGEST_SIZE,
};

struct checksum {
	unsigned char bytes[SHA256_DIGEST_SIZE];
};

struct sha256 {
	struct ft_scanner scanner;
	struct checksum *list; /* sorted */
	size_t count;
};

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* What follows the checksum, after a space, is a name. */
static bool parse_checksum(struct ft_span line, struct checksum *ret)
{
	if (line.len < HEX_LEN || (line.len > HEX_LEN && line.data[HEX_LEN] != ' ' &&
				   line.data[HEX_LEN] != '\t'))
		return false;
	for (size_t i = 0; i < SHA256_DIGEST_SIZE; i++) {
		int high = hex_value(line.data[2 * i]),
		    low = hex_value(line.data[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		ret->bytes[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static struct ft_span take_line(struct ft_span *rest)
{
	const char *end = memchr(rest->data, '\n', rest->len);
	struct ft_span line = {rest->data, end ? (size_t)(end - rest->data) : rest->len};
	size_t taken = line.len + (end != NULL);

	rest->data += taken;
	rest->len -= taken;
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

static size_t count_lines(struct ft_span text)
{
	size_t count = 0;

	for (; text.len > 0; count++)
		take_line(&text);
	return count;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct checksum));
}

/* 0, or the number of the line that is not of the form. */
static size_t parse_list(struct sha256 *s, struct ft_span text)
{
	for (size_t number = 1; text.len > 0; number++) {
		struct ft_span line = take_line(&text);
		if (line.len == 0 || line.data[0] == '#')
			continue;
		if (!parse_checksum(line, &s->list[s->count]))
			return number;
		s->count++;
	}
	qsort(s->list, s->count, sizeof(*s->list), compare);
	return 0;
}

static int load(struct sha256 *s, const char *file, char **ret_error)
{
	_cleanup_(ft_bytes_fini) struct ft_bytes text = {0};
	_cleanup_close_ int fd = ft_scan_open_trusted(file, ret_error);
	size_t bad;
	int r;

	if (fd < 0)
		return fd;
	r = ft_file_read_fd(fd, LIST_SIZE_MAX, &text);
	if (r < 0)
		return ft_scan_fail(ret_error, r, "%s: %s", file, strerror(-r));
	s->list = calloc(count_lines(ft_bytes_span(&text)) + 1, sizeof(*s->list));
	if (!s->list)
		return -ENOMEM;
	bad = parse_list(s, ft_bytes_span(&text));
	if (bad > 0)
		return ft_scan_fail(ret_error, -EINVAL,
				    "%s:%zu: not a SHA-256 checksum: 64 hexadecimal "
				    "digits, then maybe a space and a name",
				    file, bad);
	return 0;
}

static void sha256_close(struct ft_scanner *scanner)
{
	struct sha256 *s = (struct sha256 *)scanner;

	free(s->list);
	free(s);
}

static int sha256_open(struct ft_scanner **ret, const struct ft_scanner_spec *spec,
		       char **ret_error)
{
	struct sha256 *s = calloc(1, sizeof(*s));
	int r = s ? load(s, spec->file, ret_error) : -ENOMEM;

	if (r < 0) {
		if (s)
			sha256_close(&s->scanner);
		return r;
	}
	*ret = &s->scanner;
	return 0;
}

static int add_piece(void *data, const void *piece, size_t n)
{
	sha256_update(data, n, piece);
	return 0;
}

static void sha256_scan(struct ft_scanner *scanner, const struct ft_scan *scan,
			struct ft_scanned *ret)
{
	const struct sha256 *s = (const struct sha256 *)scanner;
	struct sha256_ctx context;
	struct checksum sum;
	int r;

	sha256_init(&context);
	r = ft_content_read(scan, add_piece, &context);
	if (r < 0) {
		ft_scanned_set(ret, FT_SCAN_ERROR, "reading it: %s", strerror(-r));
		return;
	}
	sha256_digest(&context, sizeof(sum.bytes), sum.bytes);
	if (bsearch(&sum, s->list, s->count, sizeof(sum), compare))
		ft_scanned_set(ret, FT_SCAN_INFECTED, "its checksum is in the list");
	else
		ft_scanned_set(ret, FT_SCAN_CLEAN, "its checksum is not in the list");
}

const struct ft_scanner_ops ft_scanner_sha256 = {
	.open = sha256_open,
	.close = sha256_close,
	.scan = sha256_scan,
};
