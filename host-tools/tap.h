/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output in TAP version 13, https://testanything.org, which people can read as well. */
#ifndef TAP_H
#define TAP_H

#include <stdio.h>

enum verdict { PASS, FAIL, SKIP };

#define PRINTF_LIKE __attribute__((format(printf, 1, 2)))

/* One test's answer: "return fail(...)", "return skip(...)", "return PASS". */
enum verdict fail(const char *format, ...) PRINTF_LIKE;
enum verdict skip(const char *format, ...) PRINTF_LIKE;
/* A "# ..." line: note() always, verbose() with --verbose. */
void note(const char *format, ...) PRINTF_LIKE;
void verbose(const char *format, ...) PRINTF_LIKE;
/* Nothing can be tested any more. */
_Noreturn void bail_out(const char *format, ...) PRINTF_LIKE;

/* What bail_out() calls first, if anything. */
extern void (*at_bail_out)(void);

void tap_plan(int nr_tests, int verbose);
void tap_result(enum verdict verdict, const char *name, const char *description);
/* The human summary, and the first false thing on stderr.  Returns the exit status. */
int tap_finish(void);

#endif
