/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

enum exit_status {
	STATUS_TRUE = 0,
	STATUS_FALSE = 1,
	STATUS_USAGE = 2,
	STATUS_NO_ACCOUNTING = 3,
	STATUS_NO_KVM = 4,
	STATUS_SKIPPED = 77,	/* as test harnesses know it */
};

enum action { RUN, DUMP, BENCH, LATENCY, SCALING, LIST, HELP, VERSION, USAGE };

#define MAX_ITERATIONS	100000000
#define MAX_ROUNDS	100

struct options {
	enum action action;
	unsigned int iterations;
	int vcpus;
	bool verbose;
	bool full;
	bool beside;
	bool invasive;
	int dump_cpl;
	unsigned int rounds;
	bool instruction_clock;
	const char **tests;	/* --test, in argv's own strings */
	int nr_tests;
	char error[200];	/* with USAGE: what is wrong */
};

/* is_test says whether a name is one of a test's. */
void options_parse(struct options *o, int argc, char **argv, bool (*is_test)(const char *name));
void options_free(struct options *o);
void options_help(void);

#endif
