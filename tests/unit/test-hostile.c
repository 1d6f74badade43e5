/* SPDX-License-Identifier: MIT */
/* Names that want to be more than names: one safe line in every format. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "format-fixture.h"
#include "json-check.h"
#include "output/output.h"

#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct ft_span hostile[] = {
	FT_SPAN("a\nb"),
	FT_SPAN("\r12:00:00.000  root(1)"),
	FT_SPAN("x\n12:00:00.123  root(1)  delete  /etc/shadow\n"),
	FT_SPAN("x\n{\"time\":\"2026-11-20T12:00:00.1Z\",\"events\":[\"lost\"]}\n"),
	FT_SPAN("\",\"events\":[\"lost\"],\"x\":\""),
	FT_SPAN("\033[2J\033]0;title\007"),
	FT_SPAN("\xff\xfe\xc0\x80\xed\xa0\x80\xf5\x80\x80\x80"),
	FT_SPAN("cut \xe2\x80"),
	FT_SPAN("\xc2\x9b"
		"31m c1"),
	FT_SPAN("\xe2\x80\xae"
		"txt.exe \xe2\x80\xa8 \xe2\x80\xa9 \xe2\x81\xa6 \xd8\x9c \xe2\x80\x8f"),
	FT_SPAN("\x7f\x01\x1f\t\v\f\b"),
	FT_SPAN("\\n \\x0a \\"),
	FT_SPAN("a,\"b\",'c' ; =1+1"),
	FT_SPAN("ünïcode 漢字 \xf0\x9f\x8c\xb1"),
	FT_SPAN("{time}{{%s%n"),
	FT_SPAN(A50 A50 A50 A50 A50 "aaaaa"),
	FT_SPAN(A50 A50 A50 A50 A50 "aaa\n"),
};

/* Codes that move a cursor or turn a line round. Decoded here by hand: the check is not
 * the code it checks. */
static bool is_unsafe_at(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;

	if (p[0] < 0x20 || p[0] == 0x7f)
		return true;
	if (n >= 2 && p[0] == 0xc2 && p[1] < 0xa0)
		return true;
	if (n >= 2 && p[0] == 0xd8 && p[1] == 0x9c)
		return true;
	if (n < 3 || p[0] != 0xe2)
		return false;
	if (p[1] == 0x80)
		return p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae);
	return p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9;
}

static void check_is_one_safe_line(struct ft_span out, bool color)
{
	size_t i = 0;

	assert_true(out.len > 0 && out.data[out.len - 1] == '\n');
	while (i < out.len - 1) {
		size_t n = json_check_utf8(out.data + i, out.len - 1 - i), sgr = 0;

		if (color && out.data[i] == '\033') {
			for (sgr = 1; i + sgr < out.len && out.data[i + sgr] != 'm';
			     sgr++)
				assert_non_null(
					memchr("[0123456789;", out.data[i + sgr], 12));
			assert_true(i + sgr < out.len);
			i += sgr + 1;
			continue;
		}
		if (n == 0 || is_unsafe_at(out.data + i, out.len - 1 - i))
			fail_msg("unsafe at byte %zu of: %.*s", i, (int)out.len,
				 out.data);
		i += n;
	}
}

static void put_hostile(const struct ft_output_config *c, struct ft_span name, bool json)
{
	_cleanup_format_ struct ft_format *f = make(c);
	_cleanup_bytes_ struct ft_bytes out = {0};
	const struct ft_ancestor ancestor = {1, name, name};
	struct ft_process p = touch;
	const struct ft_process *candidates[] = {&p, &touch};
	struct ft_event ev = created;

	p.comm = p.exe = p.args = p.cgroup = p.container = name;
	p.parents = &ancestor;
	ev.path = ev.old_path = ev.fs = ev.dev = name;
	ev.process = &p;
	ev.candidates = candidates;
	ev.candidates_count = 2;
	ev.certainty = FT_CERTAINTY_AMBIGUOUS;
	ft_format_put(f, &out, &ev, 1);
	assert_int_equal(out.failed, 0);
	check_is_one_safe_line(ft_bytes_span(&out), c->color);
	if (json)
		assert_true(
			json_check((struct ft_span){out.data, out.len - 1}, NULL, NULL));
}

static void test_hostile_names(void **state)
{
	static const char all[] =
		"time,process,events,path,old_path,dev,fs,comm,exe,args,cgroup,"
		"container,parents,candidates";
	static const char template[] =
		"{path}|{old_path}|{process}|{comm}|{exe}|{args}|{cgroup}|"
		"{container}|{parents}|{candidates}|{dev}|{fs}";

	for (size_t i = 0; i < FT_ARRAY_SIZE(hostile); i++) {
		put_hostile(&(struct ft_output_config){.format = FT_FORMAT_TEXT},
			    hostile[i], false);
		put_hostile(&(struct ft_output_config){.format = FT_FORMAT_TEXT,
						       .columns = all},
			    hostile[i], false);
		for (unsigned int width = 20; width < 160; width++)
			put_hostile(&(struct ft_output_config){.format = FT_FORMAT_TEXT,
							       .color = true,
							       .width = width},
				    hostile[i], false);
		put_hostile(&(struct ft_output_config){.format = FT_FORMAT_CSV,
						       .columns = all},
			    hostile[i], false);
		put_hostile(&(struct ft_output_config){.format = FT_FORMAT_TEMPLATE,
						       .template_text = template},
			    hostile[i], false);
		put_hostile(&(struct ft_output_config){.format = FT_FORMAT_JSON},
			    hostile[i], true);
		put_hostile(&(struct ft_output_config){.format = FT_FORMAT_ECS},
			    hostile[i], true);
		put_hostile(&(struct ft_output_config){.format = FT_FORMAT_OCSF},
			    hostile[i], true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
