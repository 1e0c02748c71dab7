// SPDX-License-Identifier: GPL-2.0-or-later
/* record: a series of readings in a file. */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "commands.h"
#include "numbers.h"
#include "ticks.h"

int parse_series_arguments(struct options *opt)
{
	opt->interval_ns = 1000000000;
	if (opt->nr_args > 0 && parse_interval(opt->args[0], &opt->interval_ns)) {
		warnx("'%s' is no interval: it takes seconds, from 0.001 to 86400", opt->args[0]);
		return -1;
	}
	if (opt->nr_args > 1 && parse_count(opt->args[1], UINT32_MAX, &opt->count)) {
		warnx("'%s' is no number of intervals: it takes 1 to 4294967295", opt->args[1]);
		return -1;
	}
	return 0;
}

int cmd_record(struct source *src, struct options *opt)
{
	struct source recording;
	struct reading first;
	struct ticks ticks;
	uint64_t readings = 0;
	int status = 0;

	if (parse_series_arguments(opt))
		return -EINVAL;
	if (!opt->file) {
		warnx("record needs -o FILE");
		return -EINVAL;
	}
	/* A file that is there is not given up for nothing. */
	status = reading_take(src, &first);
	if (status && status != -EAGAIN)
		return status;
	if (!status && !has_counters(&first.d)) {
		detection_print(&first.d, stderr);
		return detection_status(&first.d);
	}
	if (!status)
		reading_free(&first);
	status = 0;
	if (source_open_recording(&recording, src, opt->file)) {
		source_close(&recording);
		return EXIT_FAILURE;
	}
	ticks_begin(&ticks, opt->interval_ns, false);
	/* So many intervals are one reading more. */
	do {
		struct reading r;
		int err = reading_take(&recording, &r);

		/* Torn by moves: the file has the next one. */
		if (err == -EAGAIN)
			continue;
		if (err) {
			status = err;
			break;
		}
		if (!has_counters(&r.d)) {
			detection_print(&r.d, stderr);
			status = detection_status(&r.d);
			break;
		}
		reading_free(&r);
		readings++;
	} while ((!opt->count || readings <= opt->count) && ticks_wait(&ticks) == TICK_DUE);

	if (source_close(&recording) && status >= 0)
		status = EXIT_FAILURE;
	if (readings)
		fprintf(stderr, "%" PRIu64 " readings are in '%s'\n", readings, opt->file);
	return status;
}
