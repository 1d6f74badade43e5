/* SPDX-License-Identifier: MIT */
/* Users and groups. */
#include "base/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/number.h"

enum { LOOKUP_MAX = 1 << 20 };

/* One try to look a name up in a buffer of this size; returns an error number. */
typedef int (*lookup_fn)(const char *name, char *buf, size_t size, bool *ret_found,
			 uint32_t *ret_id);

static int lookup_user(const char *name, char *buf, size_t size, bool *ret_found,
		       uint32_t *ret_id)
{
	struct passwd entry, *found = NULL;
	int r = getpwnam_r(name, &entry, buf, size, &found);

	*ret_found = found;
	*ret_id = found ? found->pw_uid : 0;
	return r;
}

static int lookup_group(const char *name, char *buf, size_t size, bool *ret_found,
			uint32_t *ret_id)
{
	struct group entry, *found = NULL;
	int r = getgrnam_r(name, &entry, buf, size, &found);

	*ret_found = found;
	*ret_id = found ? found->gr_gid : 0;
	return r;
}

/* That there is no such name is told in several ways, see getpwnam_r(3). */
static int lookup(lookup_fn fn, const char *name, uint32_t *ret_id)
{
	bool found = false;
	int r = ERANGE;

	for (size_t size = 1024; r == ERANGE && size <= LOOKUP_MAX; size *= 2) {
		_cleanup_free_ char *buf = malloc(size);

		if (!buf)
			return -ENOMEM;
		r = fn(name, buf, size, &found, ret_id);
	}
	if (found)
		return 0;
	return r == 0 || r == ESRCH || r == EBADF || r == EPERM ? -ENOENT : -r;
}

static int id_of(lookup_fn fn, const char *name, uint32_t *ret_id)
{
	uint64_t n;

	if (name[strspn(name, "0123456789")] != '\0')
		return lookup(fn, name, ret_id);
	/* (uid_t)-1 is nobody's. */
	if (ft_number_parse(name, UINT32_MAX - 1, &n) < 0)
		return -ERANGE;
	*ret_id = (uint32_t)n;
	return 0;
}

int ft_account_user(const char *name, uint32_t *ret_uid)
{
	return id_of(lookup_user, name, ret_uid);
}

int ft_account_group(const char *name, uint32_t *ret_gid)
{
	return id_of(lookup_group, name, ret_gid);
}
