/* SPDX-License-Identifier: MIT */
/* Event bits: names, groups, sets. */
#include "event/mask.h"

#include <errno.h>
#include <stdbool.h>

#include "base/cleanup.h"

static const struct ft_mask_name mask_names[] = {
#define FT_MASK(NAME, value, name, groups, meaning) {FT_EV_##NAME, name, groups, meaning},
#include "event/mask.def"
#undef FT_MASK
};

static const struct {
	const char *name;
	unsigned int group;
} mask_groups[] = {
	{"read", FT_GROUP_READ},     {"write", FT_GROUP_WRITE}, {"exec", FT_GROUP_EXEC},
	{"change", FT_GROUP_CHANGE}, {"all", FT_GROUP_ALL},
};

const struct ft_mask_name *ft_mask_names(size_t *ret_count)
{
	*ret_count = FT_ARRAY_SIZE(mask_names);
	return mask_names;
}

const char *ft_mask_name(uint64_t bit)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(mask_names); i++) {
		if (mask_names[i].bit == bit)
			return mask_names[i].name;
	}
	return NULL;
}

uint64_t ft_mask_of_group(unsigned int group)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < FT_ARRAY_SIZE(mask_names); i++) {
		unsigned int groups = mask_names[i].groups;

		if (group == FT_GROUP_ALL ? !(groups & FT_GROUP_ASK) : groups & group)
			mask |= mask_names[i].bit;
	}
	return mask;
}

/* The bits of one word, 0 if it names none. */
static uint64_t mask_of_word(struct ft_span word)
{
	for (size_t i = 0; i < FT_ARRAY_SIZE(mask_names); i++) {
		if (ft_span_equal(word, ft_span_of(mask_names[i].name)))
			return mask_names[i].bit;
	}
	for (size_t i = 0; i < FT_ARRAY_SIZE(mask_groups); i++) {
		if (ft_span_equal(word, ft_span_of(mask_groups[i].name)))
			return ft_mask_of_group(mask_groups[i].group);
	}
	return 0;
}

int ft_mask_parse(const char *list, uint64_t *ret_mask, struct ft_span *ret_bad)
{
	uint64_t mask = 0;

	for (;;) {
		struct ft_span word = {list, strcspn(list, ",")};
		uint64_t bits = mask_of_word(word);

		if (!bits) {
			if (ret_bad)
				*ret_bad = word;
			return -EINVAL;
		}
		mask |= bits;
		list += word.len;
		if (*list++ == '\0')
			break;
	}
	*ret_mask = mask;
	return 0;
}

void ft_mask_format(struct ft_bytes *out, uint64_t mask, const char *sep)
{
	const char *before = "";

	for (size_t i = 0; mask && i < FT_ARRAY_SIZE(mask_names); i++) {
		if (!(mask & mask_names[i].bit))
			continue;
		mask &= ~mask_names[i].bit;
		ft_bytes_put_str(out, before);
		ft_bytes_put_str(out, mask_names[i].name);
		before = sep;
	}
}
