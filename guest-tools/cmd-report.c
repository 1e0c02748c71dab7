// SPDX-License-Identifier: GPL-2.0-or-later
/* report: the summary and the picture of a recorded series. */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "commands.h"
#include "series.h"

static void print_summary(const struct series *s, const char *path, FILE *out)
{
	const struct counters *c = &s->sum;
	time_t seconds = s->first.real_ns / 1000000000;
	char when[40] = "at an unknown time";
	struct tm tm;

	if (s->first.real_ns && localtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "from %Y-%m-%d %H:%M:%S %Z", &tm);
	fprintf(out, "%s: %u readings %s, %.3f s\n", path, s->readings, when, c->seconds);
	detection_print(&s->d, out);
	if (s->nr_restarts)
		fprintf(out, "Intervals left out because the counters started anew: %zu\n",
			s->nr_restarts);
	fprintf(out, "%" PRIu64 " exits", c->exits);
	if (c->seconds > 0)
		fprintf(out, ", %.1f per second", c->exits / c->seconds);
	if (c->tsc_khz) {
		fprintf(out, "; in the hypervisor %.3f s, ", c->cycles / (c->tsc_khz * 1000.0));
		print_time_share(c, c->seconds, "the time", out);
	}
	fputs("\n\n", out);
}

static int print_json(const struct options *opt, const struct series *s)
{
	struct json_object *doc = report_json_document(&opt->report, &s->d, &s->sum, s->nr_intervals);
	double share = time_share(&s->sum, s->sum.cycles, s->sum.seconds);
	int err = -ENOMEM;

	if (doc && !json_number(doc, "readings", true, s->readings) &&
	    !json_number(doc, "restarts", true, s->nr_restarts) &&
	    !json_real(doc, "begin", s->first.real_ns, s->first.real_ns / 1e9, 3) &&
	    !json_real(doc, "seconds", s->nr_intervals, s->sum.seconds, 9) &&
	    !json_real(doc, "time_percent", share >= 0, share, 4))
		err = json_print(doc, false, opt->report.out);
	json_object_put(doc);
	return err;
}

/* 0, or -1 with a message. */
static int write_picture(const struct series *s, const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out) {
		warn("cannot write '%s'", path);
		return -1;
	}
	series_picture(s, out);
	return close_file(out, path);
}

int cmd_report(struct source *src, struct options *opt)
{
	struct source file;
	struct series s;
	int err, read_err;

	(void)src;
	if (source_open_file(&file, opt->args[0]))
		return EXIT_FAILURE;
	read_err = series_read(&file, &s);
	source_close(&file);
	if (read_err == -ENOMEM || !s.readings)
		return read_err ? read_err : -ENODATA;
	if (!has_counters(&s.d) || !s.nr_intervals) {
		if (has_counters(&s.d))
			warnx("'%s' has no two readings to compare", opt->args[0]);
		else if (!read_err)
			detection_print(&s.d, stderr);
		err = read_err || has_counters(&s.d) ? EXIT_FAILURE : detection_status(&s.d);
		series_free(&s);
		return err;
	}
	err = report_prepare(&opt->report, &s.d, &s.sum);
	if (!err && opt->json) {
		err = print_json(opt, &s);
	} else if (!err) {
		if (!report_table_only(&opt->report))
			print_summary(&s, opt->args[0], opt->report.out);
		err = report_rows(&opt->report, &s.d, &s.sum);
	}
	if (!err && opt->svg && write_picture(&s, opt->svg))
		err = EXIT_FAILURE;
	series_free(&s);
	/* A damaged file was told; what came before the damage is reported all the same. */
	return err ? err : read_err ? EXIT_FAILURE : EXIT_SUCCESS;
}
