/* SPDX-License-Identifier: MIT */
/* The container that a control group belongs to. */
#include "proc/container.h"

#include "base/cleanup.h"

enum { ID_LEN = 64, ESCAPE_LEN = 4 };

/* What is known after some of the path's components. */
struct found {
	struct ft_span id; /* hex digits, or a name as systemd escapes it */
	bool is_escaped;
};

struct machine_form {
	struct ft_span prefix;
	struct ft_span suffix;
	bool is_escaped;
};

static const struct machine_form machine_forms[] = {
	{FT_SPAN("systemd-nspawn@"), FT_SPAN(".service"), true},
	{FT_SPAN("machine-"), FT_SPAN(".scope"), true},
	{FT_SPAN("lxc.payload."), FT_SPAN(""), false},
};

static bool has_prefix(struct ft_span s, struct ft_span prefix)
{
	return s.len >= prefix.len && memcmp(s.data, prefix.data, prefix.len) == 0;
}

static bool has_suffix(struct ft_span s, struct ft_span suffix)
{
	return s.len >= suffix.len &&
	       memcmp(s.data + s.len - suffix.len, suffix.data, suffix.len) == 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool is_hex(struct ft_span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (hex_value(s.data[i]) < 0)
			return false;
	}
	return true;
}

static struct ft_span cut_scope(struct ft_span s)
{
	if (has_suffix(s, FT_SPAN(".scope")))
		s.len -= FT_SPAN(".scope").len;
	return s;
}

/* ID, ENGINE-ID, ENGINE-ID.scope and SLICE:ENGINE:ID, whatever the engine is called. */
static bool find_id(struct ft_span part, struct found *found)
{
	part = cut_scope(part);
	if (part.len < ID_LEN)
		return false;
	struct ft_span id = {part.data + part.len - ID_LEN, ID_LEN};
	struct ft_span engine = {part.data, part.len - ID_LEN};
	if (!is_hex(id))
		return false;
	if (engine.len > 0 && !has_suffix(engine, FT_SPAN("-")) &&
	    !has_suffix(engine, FT_SPAN(":")))
		return false;
	if (has_suffix(engine, FT_SPAN("conmon-")))
		return false;
	*found = (struct found){id, false};
	return true;
}

/* machined's scopes hold virtual machines too: those run no process of this kernel
 * inside. */
static bool is_virtual_machine(struct ft_span name)
{
	return has_prefix(name, FT_SPAN("qemu\\x2d"));
}

static bool find_machine(struct ft_span part, struct found *found)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(machine_forms); i++) {
		const struct machine_form *form = &machine_forms[i];
		size_t around = form->prefix.len + form->suffix.len;
		if (part.len <= around || !has_prefix(part, form->prefix) ||
		    !has_suffix(part, form->suffix))
			continue;
		struct ft_span name = {part.data + form->prefix.len, part.len - around};
		if (form->is_escaped && is_virtual_machine(name))
			return false;
		*found = (struct found){name, form->is_escaped};
		return true;
	}
	return false;
}

static void look_at_part(struct ft_span part, struct ft_span parent, struct found *found)
{
	if (find_id(part, found) || find_machine(part, found))
		return;
	if (ft_span_equal(parent, FT_SPAN("lxc")) ||
	    ft_span_equal(parent, FT_SPAN("lxc.payload")))
		*found = (struct found){part, false};
	else if (found->is_escaped && ft_span_equal(part, FT_SPAN("supervisor")))
		*found = (struct found){0};
}

static bool put_escape(struct ft_bytes *out, struct ft_span at)
{
	if (at.len < ESCAPE_LEN || at.data[0] != '\\' || at.data[1] != 'x')
		return false;
	int high = hex_value(at.data[2]), low = hex_value(at.data[3]);
	if (high < 0 || low < 0)
		return false;
	ft_bytes_put_char(out, (char)(high << 4 | low));
	return true;
}

/* systemd writes what may not stand in a unit's name as \xHH. */
static void put_unescaped(struct ft_bytes *out, struct ft_span name)
{
	while (name.len > 0) {
		size_t step = put_escape(out, name) ? ESCAPE_LEN : 1;
		if (step == 1)
			ft_bytes_put_char(out, name.data[0]);
		name.data += step;
		name.len -= step;
	}
}

static struct ft_span take_part(struct ft_span *path)
{
	const char *slash = memchr(path->data, '/', path->len);
	size_t len = slash ? (size_t)(slash - path->data) : path->len;
	struct ft_span part = {path->data, len};

	path->data += len + (slash != NULL);
	path->len -= len + (slash != NULL);
	return part;
}

void ft_container_parse(struct ft_span cgroup, struct ft_bytes *out)
{
	struct found found = {0};
	struct ft_span parent = {0};

	ft_bytes_clear(out);
	while (cgroup.len > 0) {
		struct ft_span part = take_part(&cgroup);
		if (part.len == 0)
			continue;
		look_at_part(part, parent, &found);
		parent = part;
	}
	if (found.is_escaped)
		put_unescaped(out, found.id);
	else
		ft_bytes_put_span(out, found.id);
}
