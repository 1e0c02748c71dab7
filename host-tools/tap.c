// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

void (*at_bail_out)(void);

static char reason[512];
static char first_failure[600];
static int is_verbose;
static int counts[3];
static int number;

static void say_reason(const char *format, va_list args)
{
	vsnprintf(reason, sizeof(reason), format, args);
}

enum verdict fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_reason(format, args);
	va_end(args);
	return FAIL;
}

enum verdict skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_reason(format, args);
	va_end(args);
	return SKIP;
}

static void comment(const char *format, va_list args)
{
	fputs("# ", stdout);
	vprintf(format, args);
	putchar('\n');
}

void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	comment(format, args);
	va_end(args);
}

void verbose(const char *format, ...)
{
	va_list args;

	if (!is_verbose)
		return;
	va_start(args, format);
	comment(format, args);
	va_end(args);
}

void bail_out(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_reason(format, args);
	va_end(args);
	if (at_bail_out)
		at_bail_out();
	printf("Bail out! %s\n", reason);
	fflush(stdout);
	/* What was false before may well be why. */
	if (*first_failure)
		fprintf(stderr, "exitstat-check: %s; then: %s\n", first_failure, reason);
	else
		fprintf(stderr, "exitstat-check: %s\n", reason);
	/* Not exit(): this may be any thread, while others use what exit() tears down. */
	_Exit(EXIT_FAILURE);
}

void tap_plan(int nr_tests, int verbose)
{
	is_verbose = verbose;
	/* Each line at once: the machine may not live to see the buffer full. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%d\n", nr_tests);
}

void tap_result(enum verdict verdict, const char *name, const char *description)
{
	counts[verdict]++;
	printf("%sok %d - %s: %s", verdict == FAIL ? "not " : "", ++number, name, description);
	if (verdict == SKIP)
		printf(" # SKIP %s", reason);
	putchar('\n');
	if (verdict != FAIL)
		return;
	note("%s", reason);
	if (!*first_failure)
		snprintf(first_failure, sizeof(first_failure), "%s: %s", name, reason);
}

int tap_finish(void)
{
	note("%d passed, %d failed, %d skipped", counts[PASS], counts[FAIL], counts[SKIP]);
	fflush(stdout);
	if (counts[FAIL]) {
		fprintf(stderr, "exitstat-check: false: %s\n", first_failure);
		return STATUS_FALSE;
	}
	if (counts[PASS])
		return STATUS_TRUE;
	/* Nothing false, and nothing seen to be true. */
	fprintf(stderr, "exitstat-check: nothing was checked: %s\n", reason);
	return STATUS_SKIPPED;
}
