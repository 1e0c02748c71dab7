// SPDX-License-Identifier: GPL-2.0-or-later
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vm.h"

static const struct option long_options[] = {
	{ "list", no_argument, NULL, 'l' },
	{ "test", required_argument, NULL, 't' },
	{ "iterations", required_argument, NULL, 'i' },
	{ "vcpus", required_argument, NULL, 'c' },
	{ "full", no_argument, NULL, 'f' },
	{ "beside", no_argument, NULL, 'B' },
	{ "invasive", no_argument, NULL, 'J' },
	{ "instruction-clock", no_argument, NULL, 'I' },
	{ "bench", required_argument, NULL, 'b' },
	{ "latency", required_argument, NULL, 'L' },
	{ "scaling", required_argument, NULL, 'S' },
	{ "dump", required_argument, NULL, 'd' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

void options_help(void)
{
	puts("Usage: exitstat-check [OPTION]...\n"
	     "Checks the VM-exit accounting of this host's KVM, from inside small VMs, and writes TAP.\n"
	     "\n"
	     "  -l, --list            list the tests\n"
	     "  -t, --test NAME       run this test only; repeatable\n"
	     "  -i, --iterations N    exits of a kind in a test (1000)\n"
	     "  -c, --vcpus N         vCPUs in the tests with several (2)\n"
	     "      --full            read all leaves with all ECX from 0 to 0x10000\n"
	     "      --invasive        also tests that touch the host's other VMs, see the man page\n"
	     "      --instruction-clock  the TSC counts instructions: times must repeat exactly\n"
	     "      --dump CPL        print what a VM is answered at these leaves at CPL 0 to 3, on any KVM\n"
	     "      --beside          with --dump or --bench: VMs without accounting, beside one with it\n"
	     "      --bench ROUNDS    print what exits cost in TSC ticks, on any KVM\n"
	     "      --latency ROUNDS  print how long exits take: median and quartiles of many runs, on any KVM\n"
	     "      --scaling VCPUS   print how many exits a second 1 to VCPUS vCPUs have at once, on any KVM\n"
	     "  -v, --verbose         show the numbers\n"
	     "  -h, --help            show this\n"
	     "  -V, --version         show the version\n"
	     "\n"
	     "Exit status: 0 all true, 1 something is false, 2 usage, 3 this kernel has no exit accounting,\n"
	     "4 no usable KVM, 77 each test was skipped.");
}

/* Digits only: no sign, no space, no rest. */
static int parse_number(const char *text, unsigned long min, unsigned long max, unsigned long *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	*value = strtoul(text, &end, 10);
	return errno || *end || *value < min || *value > max ? -1 : 0;
}

#define USAGE_ERROR(o, ...) do {						\
		(o)->action = USAGE;						\
		snprintf((o)->error, sizeof((o)->error), __VA_ARGS__);		\
	} while (0)

static bool number_option(struct options *o, const char *name, unsigned long min, unsigned long max,
			  unsigned long *value)
{
	if (!parse_number(optarg, min, max, value))
		return true;
	USAGE_ERROR(o, "%s takes a number from %lu to %lu, not '%s'", name, min, max, optarg);
	return false;
}

/* Each of these does something else instead of running the tests: one of them, and then no --test. */
static bool choose(struct options *o, const char **chosen, enum action action, const char *name)
{
	if (*chosen && strcmp(*chosen, name)) {
		USAGE_ERROR(o, "%s and %s exclude each other", *chosen, name);
		return false;
	}
	*chosen = name;
	o->action = action;
	return true;
}

void options_parse(struct options *o, int argc, char **argv, bool (*is_test)(const char *name))
{
	const char *chosen = NULL;
	unsigned long value;
	int option;

	*o = (struct options){ .iterations = 1000, .vcpus = 2 };
	o->tests = calloc(argc + 1, sizeof(*o->tests));
	if (!o->tests) {
		USAGE_ERROR(o, "out of memory");
		return;
	}
	optind = 0;	/* a second parse starts anew */
	opterr = 0;
	while ((option = getopt_long(argc, argv, "lt:i:c:vhV", long_options, NULL)) != -1) {
		switch (option) {
		case 'l':
			if (!choose(o, &chosen, LIST, "--list"))
				return;
			break;
		case 't':
			if (!is_test(optarg)) {
				USAGE_ERROR(o, "no test is named '%s': see --list", optarg);
				return;
			}
			o->tests[o->nr_tests++] = optarg;
			break;
		case 'i':
			if (!number_option(o, "--iterations", 1, MAX_ITERATIONS, &value))
				return;
			o->iterations = value;
			break;
		case 'c':
			if (!number_option(o, "--vcpus", 1, MAX_VCPUS, &value))
				return;
			o->vcpus = (int)value;
			break;
		case 'f':
			o->full = true;
			break;
		case 'B':
			o->beside = true;
			break;
		case 'J':
			o->invasive = true;
			break;
		case 'I':
			o->instruction_clock = true;
			break;
		case 'b':
			if (!number_option(o, "--bench", 2, MAX_ROUNDS, &value))
				return;
			if (!choose(o, &chosen, BENCH, "--bench"))
				return;
			o->rounds = value;
			break;
		case 'L':
			if (!number_option(o, "--latency", 2, MAX_ROUNDS, &value))
				return;
			if (!choose(o, &chosen, LATENCY, "--latency"))
				return;
			o->rounds = value;
			break;
		case 'S':
			if (!number_option(o, "--scaling", 1, MAX_VCPUS, &value))
				return;
			if (!choose(o, &chosen, SCALING, "--scaling"))
				return;
			o->vcpus = (int)value;
			break;
		case 'd':
			if (*optarg < '0' || *optarg > '3' || optarg[1]) {
				USAGE_ERROR(o, "--dump takes the CPL, 0 to 3, not '%s'", optarg);
				return;
			}
			if (!choose(o, &chosen, DUMP, "--dump"))
				return;
			o->dump_cpl = *optarg - '0';
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'h':
			o->action = HELP;
			return;
		case 'V':
			o->action = VERSION;
			return;
		default:
			USAGE_ERROR(o, "cannot make sense of '%s'", argv[optind - 1]);
			return;
		}
	}
	if (optind < argc)
		USAGE_ERROR(o, "takes no arguments, but got '%s'", argv[optind]);
	else if (chosen && o->nr_tests)
		USAGE_ERROR(o, "%s and --test exclude each other", chosen);
}

void options_free(struct options *o)
{
	free(o->tests);
	o->tests = NULL;
}
