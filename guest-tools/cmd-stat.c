// SPDX-License-Identifier: GPL-2.0-or-later
/* stat: the exits that happened while a command ran. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "commands.h"
#include "runs.h"

struct measured {
	struct detection d;
	struct runs runs;
	unsigned int restarts;		/* runs without numbers: the counters started anew */
	struct sample seconds, exits, cycles;
	int status, signal;		/* of the command's first failure */
	bool interrupted;		/* the last run was */
};

/* Between the two readings.  0, or -1 with a message: nothing could be measured. */
static int run_once(struct options *opt, struct child *child, struct measured *s)
{
	int status, sig;

	if (opt->pid)
		return wait_for_process(opt->pid);
	if (!opt->nr_args)
		return 0;	/* a replay */
	if (child_run(child, opt->args[0], &status, &sig)) {
		opt->failure = status;
		return -1;
	}
	s->interrupted = sig || child_was_interrupted();
	/* The first failure is the one that counts. */
	if (!s->status) {
		s->status = status;
		s->signal = sig;
	}
	return 0;
}

static int add_run(struct measured *s, const struct reading *before, const struct reading *after)
{
	struct counters diff;
	int err = reading_subtract(before, after, &diff);

	if (err == -ESTALE) {
		s->restarts++;
		return 0;
	}
	if (err)
		return err;
	sample_add(&s->seconds, diff.seconds);
	sample_add(&s->exits, diff.exits);
	sample_add(&s->cycles, diff.cycles);
	return runs_add(&s->runs, &diff);
}

static int measure(struct source *src, struct options *opt, struct measured *s)
{
	bool has_command = opt->nr_args;
	struct reading before, after;
	struct child child;
	int err;

	if (has_command && child_prepare(&child, opt->args, &opt->inherited))
		return -EIO;
	err = reading_take(src, &before);
	if (!err && !has_counters(&before.d)) {
		/* Nothing is run that cannot be measured. */
		detection_print(&before.d, stderr);
		err = -ENOTSUP;
	}
	if (err) {
		if (has_command)
			child_cancel(&child);
		return err;
	}
	s->d = before.d;
	err = run_once(opt, &child, s) ? -EIO : 0;
	if (!err)
		err = reading_take(src, &after);
	if (err == -EAGAIN)
		s->restarts++;	/* moves to other hosts, and the command's status still counts */
	if (err) {
		reading_free(&before);
		return err == -EAGAIN ? 0 : err;
	}
	err = add_run(s, &before, &after);
	reading_free(&before);
	reading_free(&after);
	return err;
}

/* All runs, or as many as a replayed file has. */
static int measure_all(struct source *src, struct options *opt, struct measured *s)
{
	bool replay = opt->from && !opt->nr_args && !opt->pid;

	for (uint32_t run = 0; replay || run < opt->repeat; run++) {
		int err = measure(src, opt, s);

		if (err > 0 && run && !replay)
			warnx("'%s' has %" PRIu32 " pairs of readings: fewer runs than --repeat asks for", opt->from, run);
		if (err > 0 && run)
			return 0;
		if (err > 0) {
			warnx("'%s' has no pair of readings; record one with 'stat --dump'", opt->from);
			return -ENODATA;
		}
		if (err)
			return err;
		/* Whoever interrupts a command does not want the next. */
		if (s->interrupted)
			return 0;
	}
	return 0;
}

static void print_command(const struct options *opt, FILE *out)
{
	if (opt->pid)
		fprintf(out, "process %" PRIu32, opt->pid);
	else if (!opt->nr_args)
		fputs("a recorded run", out);
	for (int i = 0; i < opt->nr_args; i++)
		fprintf(out, "%s%s", i ? " " : "'", opt->args[i]);
	if (opt->nr_args)
		fputc('\'', out);
}

static void print_deviation(const struct sample *s, double unit, int decimals, FILE *out)
{
	if (s->nr > 1)
		fprintf(out, " +- %.*f", decimals, sample_deviation(s) / unit);
}

static void print_summary(const struct options *opt, const struct measured *s,
			  const struct counters *c, FILE *out)
{
	double hz = c->tsc_khz * 1000.0;

	fputs("Exits of this machine during ", out);
	print_command(opt, out);
	if (c->runs > 1)
		fprintf(out, ", mean and deviation of %u runs", c->runs);
	if (s->signal)
		fprintf(out, ", ended by signal %d (%s)", s->signal, strsignal(s->signal));
	else if (s->status)
		fprintf(out, ", exit status %d", s->status);
	fputs(":\n\n", out);

	if (c->seconds > 0) {
		fprintf(out, "%16.6f s", c->seconds);
		print_deviation(&s->seconds, 1, 6, out);
		fputs(" of wall time\n", out);
	}
	fprintf(out, "%16" PRIu64, c->exits);
	print_deviation(&s->exits, 1, 1, out);
	fputs(" exits", out);
	if (c->seconds > 0)
		fprintf(out, ", %.1f per second", s->exits.mean / c->seconds);
	fputc('\n', out);
	if (c->tsc_khz) {
		fprintf(out, "%16.6f s", c->cycles / hz);
		print_deviation(&s->cycles, hz, 6, out);
		fputs(" in the hypervisor", out);
		if (c->seconds > 0)
			fputs(": ", out);
		print_time_share(c, c->seconds, "the wall time", out);
		fputc('\n', out);
	} else {
		fprintf(out, "%16" PRIu64, c->cycles);
		print_deviation(&s->cycles, 1, 1, out);
		fputs(" cycles in the hypervisor (what share of the time that is, this host does not tell)\n", out);
	}
	if (c->has_away && c->tsc_khz)
		fprintf(out, "%16.6f s away from the guest, the VMM and waiting included\n", c->away / hz);
	if (c->own.exits)
		fprintf(out, "%16" PRIu64 " exits by cpuid-probe itself, about %" PRIu64
			" cycles, are subtracted\n", c->own.exits, c->own.cycles);
	fputc('\n', out);
}

static int add_arguments(struct json_object *doc, const struct options *opt)
{
	struct json_object *list = json_object_new_array();

	if (json_member(doc, "command", list))
		return -ENOMEM;
	for (int i = 0; i < opt->nr_args; i++) {
		struct json_object *text = json_text(opt->args[i]);

		if (!text || json_object_array_add(list, text)) {
			json_object_put(text);
			return -ENOMEM;
		}
	}
	return 0;
}

static int print_json(const struct options *opt, const struct measured *s, const struct counters *c)
{
	struct json_object *doc = report_json_document(&opt->report, &s->d, c, s->runs.nr);
	bool known = s->runs.nr && c->seconds > 0, several = s->runs.nr > 1;
	double share = time_share(c, c->cycles, c->seconds);
	int err = -ENOMEM;

	if (doc && !add_arguments(doc, opt) &&
	    !json_number(doc, "status", opt->nr_args, s->status) &&
	    !json_number(doc, "runs", true, s->runs.nr) &&
	    !json_number(doc, "restarts", true, s->restarts) &&
	    !json_real(doc, "wall_seconds", known, c->seconds, 9) &&
	    !json_real(doc, "wall_seconds_deviation", known && several, sample_deviation(&s->seconds), 9) &&
	    !json_real(doc, "exits_deviation", several, sample_deviation(&s->exits), 1) &&
	    !json_real(doc, "cycles_deviation", several, sample_deviation(&s->cycles), 1) &&
	    !json_real(doc, "time_percent", known && share >= 0, share, 4))
		err = json_print(doc, false, opt->report.out);
	json_object_put(doc);
	return err;
}

static int report(struct options *opt, struct measured *s)
{
	struct counters c = { 0 };
	int err = s->runs.nr ? runs_mean(&s->runs, &c) : 0;

	if (s->restarts)
		warnx("the counters started anew during %u of %u runs: the machine moved to another host "
		      "or was restored; no numbers of these", s->restarts, s->restarts + s->runs.nr);
	if (!err)
		err = report_prepare(&opt->report, &s->d, &c);
	if (!err && opt->json) {
		err = print_json(opt, s, &c);
	} else if (!err && s->runs.nr) {
		if (!report_table_only(&opt->report))
			print_summary(opt, s, &c, opt->report.out);
		err = report_rows(&opt->report, &s->d, &c);
	}
	counters_free(&c);
	return err;
}

/* To be able to write it is seen now; what the file holds goes when there is something to report. */
static FILE *open_report(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (fd >= 0 && !out)
		close(fd);
	return out;
}

/* Closes the stream of the report.  0, or -1 with a message. */
static int finish(struct options *opt, FILE *out)
{
	if (opt->to)
		return close_file(out, opt->to);
	/* Nobody would see why. */
	return fflush(out) || ferror(out) ? -1 : 0;
}

int cmd_stat(struct source *src, struct options *opt)
{
	struct measured s = { 0 };
	int err;

	if (opt->pid ? opt->nr_args > 0 : !opt->nr_args && !opt->from) {
		warnx("stat takes a command, or --pid, or replays --from");
		return -EINVAL;
	}
	if (opt->pid && opt->repeat > 1) {
		warnx("--repeat needs a command");
		return -EINVAL;
	}
	/* Standard output belongs to the command. */
	opt->report.out = opt->to ? open_report(opt->to) : stderr;
	if (!opt->report.out) {
		warn("cannot write '%s'", opt->to);
		return opt->failure;
	}
	err = measure_all(src, opt, &s);
	/* Devices and pipes have no length. */
	if (!err && opt->to && ftruncate(fileno(opt->report.out), 0) && errno != EINVAL)
		err = -errno;
	if (!err)
		err = report(opt, &s);
	runs_free(&s.runs);
	if (finish(opt, opt->report.out))
		return opt->failure;
	if (err == -ENOTSUP)
		return opt->failure;
	if (err)
		return err;
	opt->signal = s.signal;
	return s.status;
}
