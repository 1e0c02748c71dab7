// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "reading.h"

int reading_take(struct source *src, struct reading *r)
{
	int err = source_begin(src);
	int end_err;

	*r = (struct reading){ .stamp = src->stamp };
	if (err)
		return err;
	err = probe(src, &r->d, &r->c);
	end_err = source_end(src, !err);
	if (!err && end_err)
		counters_free(&r->c);
	return err ? err : end_err;
}

int reading_subtract(const struct reading *before, const struct reading *after,
		     struct counters *diff)
{
	int err;

	if (!same_machine(&before->d, &after->d)) {
		*diff = (struct counters){ 0 };
		return -ESTALE;
	}
	err = counters_subtract(&before->c, &after->c, diff);
	if (!err && before->stamp.boot_ns && after->stamp.boot_ns > before->stamp.boot_ns)
		diff->seconds = (after->stamp.boot_ns - before->stamp.boot_ns) / 1e9;
	return err;
}

void reading_free(struct reading *r)
{
	counters_free(&r->c);
}
