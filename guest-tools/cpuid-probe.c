// SPDX-License-Identifier: GPL-2.0-or-later
/* cpuid-probe: what the exits of this virtual machine cost, read from inside it. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"

const struct command commands[] = {
	{ NULL, CMD_TABLE, NULL, 0, 0,
	  "shows what this machine is, its exit totals and a table of exit reasons",
	  "In a virtual machine whose host counts VM exits: which exits it had, what they cost.",
	  false, cmd_table },
	{ "check", CMD_CHECK, NULL, 0, 0,
	  "says in one line what this machine is, with an exit status to match", NULL, false, cmd_check },
	{ "stat", CMD_STAT, "-p PID | --from FILE | [--] COMMAND [ARGUMENT...]", 0, -1,
	  "shows the exits and cycles of this machine while a command runs",
	  "The report goes to standard error, the command's exit status is passed on.\n"
	  "  cpuid-probe stat -r 5 -- make -j2\n"
	  "  cpuid-probe stat --json --to stat.json -- dd if=/dev/vda of=/dev/null count=10000",
	  false, cmd_stat },
	{ "watch", CMD_WATCH, "[INTERVAL [COUNT]]", 0, 2,
	  "shows live rates for each reason",
	  "INTERVAL is in seconds (default: 1). On a terminal a table that q ends; otherwise lines.\n"
	  "  cpuid-probe watch\n"
	  "  cpuid-probe watch --csv 0.5 20 >rates.csv",
	  false, cmd_watch },
	{ "record", CMD_RECORD, "-o FILE [INTERVAL [COUNT]]", 0, 2,
	  "records a series of readings in a file, for \"report\"",
	  "INTERVAL is in seconds (default: 1). An interrupt ends it.\n"
	  "  cpuid-probe record -o series.txt 10",
	  false, cmd_record },
	{ "report", CMD_REPORT, "FILE", 1, 1,
	  "makes a summary and a picture of what \"record\" recorded",
	  "  cpuid-probe report --svg series.svg series.txt\n"
	  "  xdg-open series.svg",
	  true, cmd_report },
	{ "bench", CMD_BENCH, NULL, 0, 0,
	  "measures what one exit costs, of each kind that a program can provoke",
	  "MIN, MEDIAN and P99 are in cycles as this machine sees them, \"nothing\" is what measuring\n"
	  "takes. EXITS and IN-KVM are as the host counted. As root also port I/O and, with the\n"
	  "kernel's module msr, an MSR.",
	  false, cmd_bench },
	{ "leaf", CMD_LEAF, "LEAF [ECX]", 1, 2,
	  "shows the raw registers of one CPUID",
	  "  cpuid-probe leaf 0x4FFFFFFC\n  cpuid-probe leaf 0x4FFFFFFE 10",
	  false, cmd_leaf },
	{ "list", CMD_LIST, NULL, 0, 0,
	  "lists all exit reasons of both vendors: number, name, meaning, where the manual lists it",
	  "Intel: Software Developer's Manual; AMD: Architecture Programmer's Manual.",
	  true, cmd_list },
	{ "metrics", CMD_METRICS, NULL, 0, 0,
	  "prints the counters in OpenMetrics format",
	  "With -o the file is replaced at once, as node_exporter's textfile collector needs it:\n"
	  "  cpuid-probe metrics -o /var/lib/prometheus/node-exporter/exitstat.prom",
	  false, cmd_metrics },
};

const size_t nr_commands = sizeof(commands) / sizeof(*commands);

/*
 * A standard stream that is closed would give its number to the next file
 * opened, and output would go there.  A directory cannot be written, nor can it
 * be opened for that as /dev/stdout.
 */
static void fill_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open(fd == STDIN_FILENO ? "/dev/null" : "/", O_RDONLY) != fd)
			exit(EXIT_FAILURE);
}

/* A terminal, a pipe or /dev/null may be both. */
static bool same_file(const char *in, const char *out)
{
	struct stat a, b;

	return in && out && !stat(in, &a) && !stat(out, &b) && S_ISREG(a.st_mode) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* The same file, or one that either would make. */
static bool same_output(const char *one, const char *other)
{
	struct stat s;

	return same_file(one, other) || (one && other && !strcmp(one, other) && stat(one, &s));
}

/* Whether one output would destroy another; with a message. */
static bool overwrites_output(const struct options *opt)
{
	const char *outputs[] = { opt->dump, opt->file, opt->svg, opt->to };

	for (size_t i = 0; i < sizeof(outputs) / sizeof(*outputs); i++)
		for (size_t j = 0; j < i; j++)
			if (same_output(outputs[i], outputs[j])) {
				warnx("'%s' cannot take two outputs: name two files", outputs[i]);
				return true;
			}
	return false;
}

/* Whether output would destroy the recording that is read; with a message. */
static bool overwrites_input(const struct command *command, const struct options *opt)
{
	const char *in = command->bit == CMD_REPORT ? opt->args[0] : opt->from;

	if (!same_file(in, opt->dump) && !same_file(in, opt->file) && !same_file(in, opt->svg) &&
	    !same_file(in, opt->to))
		return false;
	warnx("'%s' is read, so it cannot be written", in);
	return true;
}

static int open_origin(struct source *src, const struct options *opt)
{
	if (opt->from)
		return source_open_file(src, opt->from);
	if (opt->via_kernel)
		return source_open_device(src);
	source_open_cpu(src);
	return 0;
}

static void explain(int err)
{
	switch (err) {
	case -EAGAIN:
		warnx("the virtual machine moved to another host twice while its "
		      "counters were read; run again");
		break;
	case -ENODATA:
	case -EIO:
	case -EINVAL:
		/* Who found it said more. */
		break;
	case -ENOMEM:
		warnx("out of memory");
		break;
	default:
		warnx("failed: %s", strerror(-err));
	}
}

static int run(const struct command *command, struct options *opt)
{
	struct source origin, recording;
	struct source *src = &origin;
	int status;

	if (overwrites_input(command, opt) || overwrites_output(opt))
		return opt->failure;
	if (command->sourceless) {
		status = command->run(NULL, opt);
	} else {
		if (open_origin(&origin, opt))
			return opt->failure;
		if (opt->dump) {
			if (source_open_recording(&recording, &origin, opt->dump)) {
				source_close(&origin);
				return opt->failure;
			}
			src = &recording;
		}
		status = command->run(src, opt);
		if (opt->dump && source_close(&recording) && status >= 0)
			status = opt->failure;
		source_close(&origin);
	}
	if (status >= 0)
		return status;
	explain(status);
	if (status == -EINVAL)
		die_usage(command);
	return opt->failure;
}

/* As the command did that was measured, so that a shell sees it. */
static void end_by_signal(int sig)
{
	const struct rlimit no_core = { 0, 0 };
	sigset_t set;

	if (!sig)
		return;
	setrlimit(RLIMIT_CORE, &no_core);
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(sig);
}

int main(int argc, char **argv)
{
	struct options opt = { .failure = EXIT_FAILURE, .repeat = 1 };
	const struct command *command;
	int status;

	fill_standard_streams();
	opt.report.out = stdout;
	/* A closed pipe is a write error with a message and a status, not a silent end. */
	opt.inherited.sigpipe = signal(SIGPIPE, SIG_IGN);
	/* Ignored, it would take the exit status of stat's command away. */
	opt.inherited.sigchld = signal(SIGCHLD, SIG_DFL);
	command = options_parse(argc, argv, &opt);
	if (command->bit == CMD_STAT)
		opt.failure = EXIT_TOOL_FAILED;
	status = run(command, &opt);
	if (close_stdout(status) != status)
		status = opt.failure;
	else
		end_by_signal(opt.signal);
	return status;
}
