/* SPDX-License-Identifier: MIT */
/* Fuzz: a template from the input, and a fixed and an input's event formatted with it:
 * one line, safe to print. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "output/output.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ft_process fixed_process = {
	.id = 1, .pid = 2, .comm = {"sh", 2}, .args = {"sh\0-c\0", 6}};

static const struct ft_event fixed = {
	.time_ns = 1795176000123456789,
	.mask = FT_EV_OPEN | FT_EV_DELETE,
	.path_source = FT_PATH_EVENT,
	.path = {"/a", 2},
	.pid = 2,
	.certainty = FT_CERTAINTY_EXACT,
	.process = &fixed_process,
};

/* What the input says of an event: its bytes are every name, its first ones the numbers.
 */
static void put_input_event(struct ft_format *f, struct ft_bytes *out, struct ft_span in)
{
	const struct ft_ancestor parent = {.pid = 1, .comm = in, .exe = in};
	struct ft_process p = {.id = 2, .comm = in, .exe = in, .args = in, .cgroup = in};
	const struct ft_process *const candidates[] = {&p, &fixed_process};
	struct ft_event ev = {
		.path = in, .old_path = in, .dev = in, .fs = in, .process = &p};

	memcpy(&ev.time_ns, in.data, in.len < 8 ? in.len : 8);
	memcpy(&ev.mask, in.data, in.len < 8 ? in.len : 8);
	p.parents = &parent;
	p.parents_count = 1;
	p.args_cut = in.len % 2;
	ev.pid = 1;
	ev.candidates = candidates;
	ev.candidates_count = in.len % 3;
	ev.certainty = ev.candidates_count ? FT_CERTAINTY_AMBIGUOUS : FT_CERTAINTY_EXACT;
	ft_format_put(f, out, &ev, in.len);
}

/* The input: a template up to a NUL, then an event. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ft_output_config c = {.format = FT_FORMAT_TEMPLATE};
	_cleanup_free_ char *text = malloc(size + 1);
	_cleanup_free_ char *error = NULL;
	_cleanup_(ft_bytes_fini) struct ft_bytes out = {0};
	struct ft_format *f = NULL;
	size_t len;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	len = strlen(text);
	c.template_text = text;
	if (ft_format_new(&f, &c, &error) < 0) {
		assert(!f && error && !strchr(error, '\n'));
		return 0;
	}
	ft_format_put(f, &out, &fixed, 1);
	assert(out.failed || (out.len > 0 && out.data[out.len - 1] == '\n'));
	if (len < size)
		put_input_event(f, &out,
				(struct ft_span){text + len + 1, size - len - 1});
	ft_format_free(f);
	return 0;
}
