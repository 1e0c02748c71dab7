// SPDX-License-Identifier: GPL-2.0-or-later
/* metrics: OpenMetrics text, for the textfile collector of Prometheus' node_exporter. */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"

enum metric { EXITS, CYCLES, SECONDS, AWAY };

static void print_family(const struct reading *r, enum metric metric, const char *name,
			 const char *unit, const char *help, FILE *out)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s counter\n", name, help, name);
	if (unit)
		fprintf(out, "# UNIT %s %s\n", name, unit);
	for (size_t i = 0; i < r->c.nr_rows; i++) {
		const struct counter *row = &r->c.rows[i];

		if (!row->exits || (metric == AWAY && !row->listed))
			continue;
		/* Names have no character that would need an escape. */
		fprintf(out, "%s_total{reason=\"%s\",code=\"", name, row->name);
		if (row->listed)
			fprintf(out, r->d.vendor == VENDOR_SVM ? "0x%" PRIx32 : "%" PRIu32, row->reason);
		fputs("\"} ", out);
		if (metric == SECONDS)
			fprintf(out, "%.9f\n", row->cycles / (r->c.tsc_khz * 1000.0));
		else
			fprintf(out, "%" PRIu64 "\n", metric == EXITS ? row->exits :
				metric == CYCLES ? row->cycles : row->away);
	}
}

/* Only types that Prometheus' older text format knows too: the collector reads that. */
static void print_metrics(const struct reading *r, FILE *out)
{
	fprintf(out, "# HELP exitstat_info What this machine is, as 'cpuid-probe check' says it.\n"
		"# TYPE exitstat_info gauge\nexitstat_info{result=\"%s\"", detection_key(&r->d));
	if (has_counters(&r->d))
		fprintf(out, ",vendor=\"%s\"", vendor_key(r->d.vendor));
	if (r->d.instance)
		fprintf(out, ",machine=\"%08" PRIx32 "\"", r->d.instance);
	fprintf(out, "} 1\n# HELP exitstat_status The exit status of 'cpuid-probe check'.\n"
		"# TYPE exitstat_status gauge\nexitstat_status %d\n", detection_status(&r->d));
	if (r->d.vcpus)
		fprintf(out, "# HELP exitstat_vcpus Virtual CPUs that the counters sum.\n"
			"# TYPE exitstat_vcpus gauge\nexitstat_vcpus %" PRIu32 "\n", r->d.vcpus);
	if (has_counters(&r->d)) {
		print_family(r, EXITS, "exitstat_exits", NULL, "VM exits, by reason.", out);
		print_family(r, CYCLES, "exitstat_hypervisor_cycles", "cycles",
			     "Host TSC ticks in the hypervisor, by exit reason.", out);
		if (r->c.tsc_khz)
			print_family(r, SECONDS, "exitstat_hypervisor_seconds", "seconds",
				     "Time in the hypervisor, by exit reason.", out);
		if (r->c.has_away)
			print_family(r, AWAY, "exitstat_away_cycles", "cycles",
				     "Host TSC ticks out of the guest, by exit reason.", out);
	}
	fputs("# EOF\n", out);
}

/* A device, a pipe or a stream's name: what must not be replaced by a file.  0, or -1 with a message. */
static int write_into(const struct reading *r, const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out) {
		warn("cannot write '%s'", path);
		return -1;
	}
	print_metrics(r, out);
	return close_file(out, path);
}

/* A reader finds the old file or the new one, never a part.  0, or -1 with a message. */
static int write_atomically(const struct reading *r, const char *path)
{
	char *temporary = malloc(strlen(path) + sizeof(".XXXXXX"));
	mode_t mask = umask(0);
	FILE *out = NULL;
	bool done = false;
	int fd;

	umask(mask);
	if (!temporary) {
		warnx("out of memory");
		return -1;
	}
	/* In the same folder, and not with the suffix that the collector looks for. */
	strcpy(temporary, path);
	strcat(temporary, ".XXXXXX");
	fd = mkstemp(temporary);
	if (fd >= 0)
		out = fdopen(fd, "w");
	if (out) {
		print_metrics(r, out);
		done = !fflush(out) && !ferror(out) && !fchmod(fd, 0666 & ~mask) && !fsync(fd) &&
		       !rename(temporary, path);
	}
	if (!done) {
		warn("cannot write '%s'", path);
		if (fd >= 0)
			unlink(temporary);
	}
	if (out)
		fclose(out);
	else if (fd >= 0)
		close(fd);
	free(temporary);
	return done ? 0 : -1;
}

/* /dev/stdout, say: to whatever it leads, it is to be continued. */
static bool names_stream(const char *path)
{
	return !strncmp(path, "/dev/", 5) || !strncmp(path, "/proc/", 6);
}

static int write_file(const struct reading *r, const char *path)
{
	struct stat there, target;
	char *real;
	int err;

	if (lstat(path, &there) || S_ISREG(there.st_mode))
		return write_atomically(r, path);
	/* The link stays, and its file is the one to be replaced. */
	if (!S_ISLNK(there.st_mode) || names_stream(path) || stat(path, &target) || !S_ISREG(target.st_mode))
		return write_into(r, path);
	real = realpath(path, NULL);
	if (!real) {
		warn("cannot write '%s'", path);
		return -1;
	}
	err = write_atomically(r, real);
	free(real);
	return err;
}

int cmd_metrics(struct source *src, struct options *opt)
{
	struct reading r;
	int err = reading_take(src, &r);

	if (err)
		return err;
	if (!opt->file)
		print_metrics(&r, opt->report.out);
	else if (write_file(&r, opt->file))
		err = EXIT_FAILURE;
	reading_free(&r);
	if (err)
		return err;
	return has_counters(&r.d) ? EXIT_SUCCESS : detection_status(&r.d);
}
