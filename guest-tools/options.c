// SPDX-License-Identifier: GPL-2.0-or-later
#include <err.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "numbers.h"

enum option_id {
	OPT_ALL = 256, OPT_JSON, OPT_RAW, OPT_EXPORT, OPT_NOHEADINGS, OPT_OUTPUT, OPT_SORT,
	OPT_REASONS, OPT_REPEAT, OPT_PER_SECOND, OPT_PID, OPT_TO, OPT_CSV, OPT_FILE, OPT_SVG,
	OPT_COUNT, OPT_COMPARE, OPT_FROM, OPT_DUMP, OPT_VIA_KERNEL, OPT_HELP, OPT_VERSION,
};

#define COUNTERS	(CMD_TABLE | CMD_STAT | CMD_WATCH | CMD_REPORT)
#define TABLES		(COUNTERS | CMD_BENCH | CMD_LEAF | CMD_LIST)
#define READING		(CMD_TABLE | CMD_CHECK | CMD_STAT | CMD_WATCH | CMD_LEAF | CMD_METRICS)
#define EVERY		(~0u)

static const struct option_def {
	enum option_id id;
	char letter;			/* 0: none */
	const char *name;
	const char *arg;		/* NULL: takes none */
	unsigned int commands;
	const char *help;
} defs[] = {
	{ OPT_ALL, 'a', "all", NULL, COUNTERS, "show reasons without exits too" },
	{ OPT_JSON, 'J', "json", NULL, TABLES, "JSON" },
	{ OPT_RAW, 'r', "raw", NULL, TABLES & ~CMD_STAT,
		"the table alone, columns separated by one space" },
	{ OPT_RAW, 0, "raw", NULL, CMD_STAT, "the table alone, columns separated by one space" },
	{ OPT_EXPORT, 'P', "export", NULL, TABLES, "the table alone, as NAME=\"value\" pairs" },
	{ OPT_NOHEADINGS, 'n', "noheadings", NULL, TABLES, "the table alone, without headings" },
	{ OPT_OUTPUT, 'o', "output", "COLUMN,...", COUNTERS, "these columns, in this order; +COLUMN,...: these as well" },
	{ OPT_SORT, 's', "sort", "COLUMN", COUNTERS, "sort by this column, not by cycles" },
	{ OPT_REASONS, 'R', "reasons", "REASON,...", COUNTERS,
		"these reasons only, by name or number" },
	{ OPT_REPEAT, 'r', "repeat", "N", CMD_STAT, "run the command N times: mean and deviation" },
	{ OPT_PER_SECOND, 0, "per-second", NULL, CMD_STAT | CMD_REPORT, "rates, not numbers" },
	{ OPT_PID, 'p', "pid", "PID", CMD_STAT, "until this process ends, or an interrupt" },
	{ OPT_TO, 0, "to", "FILE", CMD_STAT, "the report into FILE, not to standard error" },
	{ OPT_CSV, 0, "csv", NULL, CMD_WATCH, "comma-separated values" },
	{ OPT_FILE, 'o', "output", "FILE", CMD_RECORD | CMD_METRICS, "write to FILE" },
	{ OPT_SVG, 0, "svg", "FILE", CMD_REPORT, "write a picture to FILE" },
	{ OPT_COUNT, 'c', "count", "N", CMD_BENCH, "execute each kind N times" },
	{ OPT_COMPARE, 0, "compare", "FILE", CMD_BENCH, "beside the medians of another 'bench --json'" },
	{ OPT_FROM, 0, "from", "FILE", READING, "replay the CPUID answers in FILE" },
	{ OPT_DUMP, 0, "dump", "FILE", READING, "record the CPUID answers in FILE" },
	{ OPT_VIA_KERNEL, 0, "via-kernel", NULL, (READING | CMD_RECORD | CMD_BENCH),
		"have the kernel execute CPUID (root; module cpuid)" },
	{ OPT_HELP, 'h', "help", NULL, EVERY, "this text" },
	{ OPT_VERSION, 'V', "version", NULL, EVERY, "the version" },
};

#define NR_DEFS (sizeof(defs) / sizeof(*defs))

static void print_usage(const struct command *command, FILE *out)
{
	fprintf(out, "Usage: cpuid-probe%s%s [OPTION...]%s%s\n", command->name ? " " : "",
		command->name ? command->name : "", command->args ? " " : "",
		command->args ? command->args : "");
	if (!command->name)
		fputs("       cpuid-probe COMMAND [OPTION...] [ARGUMENT...]\n", out);
}

void die_usage(const struct command *command)
{
	print_usage(command, stderr);
	fprintf(stderr, "'cpuid-probe%s%s --help' says more.\n", command->name ? " " : "",
		command->name ? command->name : "");
	exit(EXIT_USAGE);
}

int close_file(FILE *out, const char *name)
{
	bool failed = fflush(out) || ferror(out);

	if (failed)
		warn("cannot write '%s'", name);
	/* Some file systems tell about a full disk only now. */
	if (fclose(out) && !failed) {
		warn("cannot write '%s'", name);
		failed = true;
	}
	return failed ? -1 : 0;
}

int close_stdout(int status)
{
	return close_file(stdout, "standard output") ? EXIT_FAILURE : status;
}

static void print_options(const struct command *command)
{
	puts("\nOptions:");
	for (size_t i = 0; i < NR_DEFS; i++) {
		const struct option_def *def = &defs[i];
		char left[40];

		if (!(def->commands & command->bit))
			continue;
		snprintf(left, sizeof(left), "%c%c%c --%s%s%s", def->letter ? '-' : ' ',
			 def->letter ? def->letter : ' ', def->letter ? ',' : ' ', def->name,
			 def->arg ? " " : "", def->arg ? def->arg : "");
		printf("  %-26s %s\n", left, def->help);
	}
}

static _Noreturn void print_help(const struct command *command)
{
	print_usage(command, stdout);
	printf("\ncpuid-probe%s%s %s.\n", command->name ? " " : "", command->name ? command->name : "",
	       command->help);
	if (command->more)
		printf("\n%s\n", command->more);
	if (!command->name) {
		puts("\nCommands, each with its own --help:");
		for (size_t i = 0; i < nr_commands; i++)
			if (commands[i].name)
				printf("  %-26s %s\n", commands[i].name, commands[i].help);
	}
	print_options(command);
	if (command->bit & COUNTERS) {
		puts("\nColumns:");
		for (int i = 0; i < NR_COLUMNS; i++)
			printf("  %-26s %s\n", columns[i].name, columns[i].help);
	}
	if (command->name)
		printf("\nThe manual pages cpuid-probe-%s(1) and cpuid-probe(1) explain exit statuses%s.\n",
		       command->name, command->bit & TABLES ? " and JSON keys" : "");
	else
		puts("\nThe manual page cpuid-probe(1) explains exit statuses and JSON keys.");
	exit(close_stdout(EXIT_SUCCESS));
}

/* The command of this name; ends the program if there is none. */
static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < nr_commands; i++)
		if (commands[i].name && !strcmp(name, commands[i].name))
			return &commands[i];
	warnx("unknown command '%s'", name);
	die_usage(&commands[0]);
}

static void refuse(const struct command *command, const char *option, const char *value,
		   const char *valid)
{
	warnx("'%s' is no value for %s: it takes %s", value, option, valid);
	die_usage(command);
}

static void apply(const struct command *command, enum option_id id, char *arg,
		  struct options *opt)
{
	switch (id) {
	case OPT_ALL:
		opt->report.all = true;
		break;
	case OPT_JSON:
		opt->json = true;
		break;
	case OPT_RAW:
		opt->report.style.raw = true;
		break;
	case OPT_EXPORT:
		opt->report.style.export = true;
		break;
	case OPT_NOHEADINGS:
		opt->report.style.no_headings = true;
		break;
	case OPT_OUTPUT:
		opt->report.columns_chosen = *arg != '+';
		if (opt->report.columns_chosen ? selection_parse(&opt->report.sel, arg) :
						 selection_parse(&opt->report.more, arg + 1))
			die_usage(command);
		break;
	case OPT_SORT:
		if (column_parse(arg, &opt->report.sort))
			die_usage(command);
		opt->report.sorted = true;
		break;
	case OPT_REASONS:
		if (filter_parse(&opt->report.filter, arg))
			die_usage(command);
		break;
	case OPT_REPEAT:
		if (parse_count(arg, 10000, &opt->repeat))
			refuse(command, "--repeat", arg, "a number from 1 to 10000");
		break;
	case OPT_PER_SECOND:
		opt->report.rates = true;
		break;
	case OPT_PID:
		if (parse_count(arg, INT32_MAX, &opt->pid))
			refuse(command, "--pid", arg, "the number of a process");
		break;
	case OPT_TO:
		opt->to = arg;
		break;
	case OPT_CSV:
		opt->csv = true;
		break;
	case OPT_FILE:
		opt->file = arg;
		break;
	case OPT_SVG:
		opt->svg = arg;
		break;
	case OPT_COUNT:
		if (parse_count(arg, 1000000, &opt->count))
			refuse(command, "--count", arg, "a number from 1 to 1000000");
		break;
	case OPT_COMPARE:
		opt->compare = arg;
		break;
	case OPT_FROM:
		opt->from = arg;
		break;
	case OPT_DUMP:
		opt->dump = arg;
		break;
	case OPT_VIA_KERNEL:
		opt->via_kernel = true;
		break;
	case OPT_HELP:
		print_help(command);
	case OPT_VERSION:
		puts("cpuid-probe " VERSION);
		exit(close_stdout(EXIT_SUCCESS));
	}
}

static void refuse_conflicts(const struct command *command, const struct options *opt)
{
	const struct table_style *style = &opt->report.style;

	if (opt->json + style->raw + style->export + opt->csv > 1 ||
	    (opt->json && style->no_headings)) {
		warnx("--json, --raw, --export%s exclude each other, --json and --noheadings too",
		      command->bit & CMD_WATCH ? " and --csv" : "");
		die_usage(command);
	}
	if (opt->from && opt->via_kernel) {
		warnx("--from and --via-kernel exclude each other");
		die_usage(command);
	}
}

/* getopt_long()'s view of the command's options. */
static void make_getopt(const struct command *command, struct option longs[NR_DEFS + 1],
			char letters[2 * NR_DEFS + 2])
{
	size_t nr = 0;

	/* The options of a command that is to be run are not ours. */
	if (command->max_args < 0)
		*letters++ = '+';
	for (size_t i = 0; i < NR_DEFS; i++) {
		const struct option_def *def = &defs[i];

		if (!(def->commands & command->bit))
			continue;
		longs[nr++] = (struct option){
			def->name, def->arg ? required_argument : no_argument, NULL, def->id
		};
		if (def->letter)
			*letters++ = def->letter;
		if (def->letter && def->arg)
			*letters++ = ':';
	}
	*letters = '\0';
	longs[nr] = (struct option){ 0 };
}

const struct command *options_parse(int argc, char **argv, struct options *opt)
{
	const struct command *command = &commands[0];
	struct option longs[NR_DEFS + 1];
	char letters[2 * NR_DEFS + 2];
	int c;

	if (argc > 1 && argv[1][0] != '-') {
		command = find_command(argv[1]);
		/* getopt_long() begins behind it, and names the program in its messages. */
		argv[1] = argv[0];
		argv++;
		argc--;
	}
	make_getopt(command, longs, letters);
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		enum option_id id = c;

		if (c == '?') {
			if (optopt >= '0' && optopt <= '9')
				warnx("'-%c': a number cannot be negative here", optopt);
			die_usage(command);
		}
		for (size_t i = 0; c < 256 && i < NR_DEFS; i++)
			if (defs[i].letter == c && defs[i].commands & command->bit)
				id = defs[i].id;
		apply(command, id, optarg, opt);
	}

	opt->args = argv + optind;
	opt->nr_args = argc - optind;
	if (command->max_args >= 0 && opt->nr_args > command->max_args) {
		warnx(command->name ? "unexpected argument '%s'" :
				      "unexpected argument '%s'; a command stands before all options",
		      opt->args[command->max_args]);
		die_usage(command);
	}
	if (opt->nr_args < command->min_args) {
		warnx("'%s' needs %s", command->name, command->args);
		die_usage(command);
	}
	refuse_conflicts(command, opt);
	return command;
}
