/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OPTIONS_H
#define OPTIONS_H

/* The command line: commands, their options and arguments. */

#include "child.h"
#include "report.h"
#include "source.h"

/* 0 and 3 to 8 are detection results, see detect.c. */
#define EXIT_USAGE 2

struct options {
	struct report report;
	bool json;
	const char *from;		/* NULL: this CPU */
	const char *dump;		/* NULL: no recording */
	bool via_kernel;		/* through the kernel's CPUID device */

	const char *file;		/* record, metrics: what -o names */
	const char *svg;		/* report */
	const char *compare;		/* bench; NULL: no file of another machine's */
	const char *to;			/* stat: where the report goes; NULL: standard error */
	uint32_t repeat;		/* stat */
	uint32_t pid;			/* stat; 0: none */
	bool csv;			/* watch */
	uint64_t interval_ns;		/* watch, record */
	uint32_t count;			/* watch, record: 0: for ever; bench: how many */

	char **args;			/* arguments, NULL at the end */
	int nr_args;

	struct inherited inherited;	/* stat */
	int failure;			/* the exit status of errors */
	int signal;			/* stat: end by this signal, as the command has; 0: no */
};

struct command {
	const char *name;		/* NULL: without a command */
	unsigned int bit;		/* of its own, for the list of options */
	const char *args;		/* arguments, for --help */
	int min_args, max_args;		/* max -1: any number, and options end before them */
	const char *help;		/* one line */
	const char *more;		/* what --help of the command says below that */
	bool sourceless;		/* reads no CPUID answers through a source */
	/*
	 * Reads the source (NULL if sourceless), prints, and returns the exit status or a
	 * negative errno of reading_take() or report_*(); -EINVAL: a message about
	 * arguments is out.
	 */
	int (*run)(struct source *src, struct options *opt);
};

/* Fills *opt; ends the program after --help, --version or wrong arguments. */
const struct command *options_parse(int argc, char **argv, struct options *opt);

/* Ends the program with the command's valid form; the message is out already. */
_Noreturn void die_usage(const struct command *command);

/* What was written is only good if all of it arrived.  0, or -1 with a message. */
int close_file(FILE *out, const char *name);

/* The same for standard output: status, or EXIT_FAILURE. */
int close_stdout(int status);

#endif
