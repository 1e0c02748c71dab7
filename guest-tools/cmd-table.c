// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "commands.h"

int cmd_table(struct source *src, struct options *opt)
{
	struct reading r;
	int err = reading_take(src, &r);

	if (err)
		return err;
	err = report_prepare(&opt->report, &r.d, &r.c);
	if (!err)
		err = opt->json ? report_json(&opt->report, &r) : report_table(&opt->report, &r);
	reading_free(&r);
	if (err)
		return err;
	/* Whoever wants counters is served by every kind of host that has them. */
	return has_counters(&r.d) ? EXIT_SUCCESS : detection_status(&r.d);
}

int cmd_check(struct source *src, struct options *opt)
{
	struct detection d;
	int err = source_begin(src), end_err;

	if (!err) {
		err = detect(src, &d);
		end_err = source_end(src, !err);
		err = err ? err : end_err;
	}
	if (err)
		return err;
	detection_print(&d, opt->report.out);
	return detection_status(&d);
}
