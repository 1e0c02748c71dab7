// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer's entry: a recording, as --from and "report" read it, through to the numbers
 * and the picture.  See "make fuzz".
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "report.h"
#include "series.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static FILE *null;

static void print(const struct report *rep, struct reading *r)
{
	struct report own = *rep;

	if (report_prepare(&own, &r->d, &r->c))
		return;
	report_table(&own, r);
	report_json(&own, r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct report rep = { .all = true };
	struct report to_null = rep;
	struct source src;
	struct series s;

	if (!null) {
		null = fopen("/dev/null", "w");
		if (!null)
			abort();
	}
	to_null.out = null;
	if (!size || source_open_stream(&src, fmemopen((void *)data, size, "r"), "input"))
		return 0;
	for (int i = 0; i < 2; i++) {
		struct reading r;

		if (reading_take(&src, &r))
			break;
		if (!i)
			print(&to_null, &r);
		reading_free(&r);
	}
	series_read(&src, &s);
	series_picture(&s, null);
	series_free(&s);
	source_close(&src);
	return 0;
}
