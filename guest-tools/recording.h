/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RECORDING_H
#define RECORDING_H

/*
 * The text file that keeps CPUID answers, of one reading or of a series.
 *
 *   leaf subleaf eax ebx ecx edx	an answer: hexadecimal, without prefix
 *   @ REAL BOOT COUNT			a reading begins: the time of day and the time since
 *					boot in seconds, and how many answers follow
 *
 * '#' starts a comment, empty lines are skipped.  What a reading does not
 * answer is as in the reading before.  A file without '@' is one reading of
 * unknown time.  COUNT tells a reading that was cut short, by a crash or a full
 * disk, from a whole one.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "answers.h"

/* When a reading was made; 0 if that is not known. */
struct stamp {
	uint64_t real_ns;	/* since 1970 */
	uint64_t boot_ns;	/* since the system's boot, suspended time included */
};

struct reader {
	FILE *file;
	const char *path;	/* for messages */
	unsigned long line;
	unsigned long readings;	/* complete ones so far */
	bool ended;
};

/*
 * Takes the stream over; NULL is one that could not be opened, as errno tells.  0, or -1
 * with a message on stderr; then there is nothing to close.
 */
int reader_open(struct reader *r, FILE *file, const char *path);

/*
 * Puts the answers of the next reading into *set, which keeps those that it does not
 * give.  1; 0 at the end, also if the last reading is incomplete, which is said on
 * stderr; -1 if the file is damaged or holds nothing, with file, line and reason
 * on stderr.
 */
int reader_next(struct reader *r, struct answers *set, struct stamp *stamp);

void reader_close(struct reader *r);

struct writer {
	int fd;
	const char *path;
	off_t complete;		/* up to here all is well */
};

/* Creates or empties the file.  0, or -1 with a message on stderr. */
int writer_open(struct writer *w, const char *path);

/*
 * Adds a reading, the fresh answers of the set; they are fresh no more.  In one
 * write, and what a full disk left of it is cut off.  0, or -1 with a message.
 */
int writer_add(struct writer *w, struct answers *set, const struct stamp *stamp);

/* 0, or -1 with a message. */
int writer_close(struct writer *w);

#endif
