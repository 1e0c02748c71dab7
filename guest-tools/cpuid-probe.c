// SPDX-License-Identifier: GPL-2.0-or-later
/* cpuid-probe: what the exits of this virtual machine cost, read from inside it. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counters.h"
#include "report.h"

/* 0 and 3 to 8 are detection results, see detect.c. */
#define EXIT_USAGE 2

struct options {
	bool json;
	bool columns_chosen;
	struct selection sel;
	struct report report;
	const char *from;		/* NULL: this CPU */
	const char *dump;		/* NULL: no recording */
};

/*
 * Commands read the source, print, and return the exit status, or a negative
 * errno of probe() or report_*().
 */
static int cmd_table(struct source *src, struct options *opt)
{
	struct detection d;
	struct counters c;
	int err = probe(src, &d, &c);

	if (err)
		return err;
	if (!opt->columns_chosen)
		selection_default(&opt->sel, &c);
	err = opt->json ? report_json(&opt->report, &d, &c) :
			  report_table(&opt->report, &d, &c);
	counters_free(&c);
	if (err)
		return err;
	/* Whoever wants counters is served by every kind of host that has them. */
	return has_counters(&d) ? EXIT_SUCCESS : detection_status(&d);
}

static int cmd_check(struct source *src, struct options *opt)
{
	struct detection d;
	int err = detect(src, &d);

	(void)opt;
	if (err)
		return err;
	detection_print(&d, stdout);
	return detection_status(&d);
}

static const struct command {
	const char *name;		/* NULL: without a command */
	const char *help;
	int (*run)(struct source *src, struct options *opt);
	bool formats;			/* takes the options about the table */
} commands[] = {
	{ NULL, "what this machine is, its exit totals and a table of exit reasons",
	  cmd_table, true },
	{ "check", "one line saying what this machine is, and an exit status to match",
	  cmd_check, false },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(*commands))

enum { OPT_FROM = 256, OPT_DUMP };

static const struct option long_options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "json", no_argument, NULL, 'J' },
	{ "noheadings", no_argument, NULL, 'n' },
	{ "output", required_argument, NULL, 'o' },
	{ "raw", no_argument, NULL, 'r' },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "dump", required_argument, NULL, OPT_DUMP },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
};

static void print_usage(FILE *out)
{
	fputs("Usage: cpuid-probe [-a] [-J | -r] [-n] [-o COLUMN,...] [--from FILE] [--dump FILE]\n"
	      "       cpuid-probe check [--from FILE] [--dump FILE]\n", out);
}

static void print_help(void)
{
	print_usage(stdout);
	puts("\nShows the VM exits of the virtual machine it runs in, as its host counts them.\n"
	     "\nCommands:");
	for (size_t i = 0; i < NR_COMMANDS; i++)
		printf("  %-22s %s\n", commands[i].name ? commands[i].name : "(none)",
		       commands[i].help);
	puts("\nOptions:\n"
	     "  -a, --all              show reasons without exits too\n"
	     "  -J, --json             one JSON document\n"
	     "  -r, --raw              the table alone, columns separated by one space\n"
	     "  -n, --noheadings       the table alone, without headings\n"
	     "  -o, --output COLUMNS   these columns, in this order\n"
	     "      --from FILE        replay the CPUID answers in FILE\n"
	     "      --dump FILE        record the CPUID answers in FILE\n"
	     "  -h, --help             this text\n"
	     "  -V, --version          the version\n"
	     "\nColumns:");
	for (int i = 0; i < NR_COLUMNS; i++)
		printf("  %-22s %s\n", columns[i].name, columns[i].help);
	puts("\nThe manual page cpuid-probe(1) explains the exit statuses and the JSON keys.");
}

/* Ends the program with the valid form; the message is out already. */
static _Noreturn void die_usage(void)
{
	print_usage(stderr);
	exit(EXIT_USAGE);
}

/* What was printed is only good if all of it arrived. */
static int close_stdout(int status)
{
	bool failed = fflush(stdout) || ferror(stdout);

	if (failed)
		warn("cannot write standard output");
	/* Some file systems tell about a full disk only now. */
	if (fclose(stdout) && !failed) {
		warn("cannot write standard output");
		failed = true;
	}
	return failed ? EXIT_FAILURE : status;
}

/*
 * A standard stream that is closed would give its number to the next file
 * opened, and output would go there.  Opened for reading, so that writing
 * still fails.
 */
static void fill_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
			exit(EXIT_FAILURE);
}

/* The command of this name, NULL for none; ends the program if there is no such command. */
static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		const char *candidate = commands[i].name;

		if (name ? candidate && !strcmp(name, candidate) : !candidate)
			return &commands[i];
	}
	warnx("unknown command '%s'", name);
	die_usage();
}

static const struct command *parse(int argc, char **argv, struct options *opt)
{
	const struct command *command;
	bool formats = false;		/* an option about the table was given */
	int c;

	while ((c = getopt_long(argc, argv, "aJno:rhV", long_options, NULL)) != -1) {
		switch (c) {
		case 'a':
			opt->report.all = true;
			formats = true;
			break;
		case 'J':
			opt->json = true;
			formats = true;
			break;
		case 'n':
			opt->report.no_headings = true;
			formats = true;
			break;
		case 'o':
			if (selection_parse(&opt->sel, optarg))
				die_usage();
			opt->columns_chosen = true;
			formats = true;
			break;
		case 'r':
			opt->report.raw = true;
			formats = true;
			break;
		case OPT_FROM:
			opt->from = optarg;
			break;
		case OPT_DUMP:
			opt->dump = optarg;
			break;
		case 'h':
			print_help();
			exit(close_stdout(EXIT_SUCCESS));
		case 'V':
			puts("cpuid-probe " VERSION);
			exit(close_stdout(EXIT_SUCCESS));
		default:
			die_usage();
		}
	}

	command = find_command(argv[optind]);
	if (optind + 1 < argc) {
		warnx("unexpected argument '%s'", argv[optind + 1]);
		die_usage();
	}
	if (formats && !command->formats) {
		warnx("'%s' takes only --from and --dump", command->name);
		die_usage();
	}
	if (opt->json && (opt->report.raw || opt->report.no_headings)) {
		warnx("--json goes with neither --raw nor --noheadings");
		die_usage();
	}
	return command;
}

static int run(const struct command *command, struct options *opt)
{
	struct source origin, recording;
	struct source *src = &origin;
	int status;

	if (!opt->from)
		source_open_cpu(&origin);
	else if (source_open_file(&origin, opt->from))
		return EXIT_FAILURE;
	source_open_recording(&recording, &origin);
	if (opt->dump)
		src = &recording;

	status = command->run(src, opt);
	switch (status) {
	case -EAGAIN:
		warnx("the virtual machine moved to another host twice while its "
		      "counters were read; run again");
		break;
	case -ENODATA:
		/* The source said more. */
		break;
	case -ENOMEM:
		warnx("out of memory");
		break;
	default:
		if (status < 0)
			warnx("failed: %s", strerror(-status));
	}
	if (status < 0)
		status = EXIT_FAILURE;
	else if (opt->dump && answers_save(&recording.answers, opt->dump))
		status = EXIT_FAILURE;

	source_close(&recording);
	source_close(&origin);
	return status;
}

int main(int argc, char **argv)
{
	struct options opt = { 0 };
	const struct command *command;

	opt.report.sel = &opt.sel;
	fill_standard_streams();
	/* A closed pipe is a write error with a message and a status, not a silent end. */
	signal(SIGPIPE, SIG_IGN);
	command = parse(argc, argv, &opt);
	return close_stdout(run(command, &opt));
}
