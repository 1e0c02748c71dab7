/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_H
#define SOURCE_H

/*
 * Where CPUID answers come from: this CPU, a file of recorded answers, or (in
 * the unit tests) a function.  Everything above this layer only calls
 * source_read().
 */

#if !defined(__x86_64__) && !defined(__i386__)
#error "cpuid-probe reads the CPUID instruction: it can be built for x86 only."
#endif

#include <stdbool.h>
#include <stdint.h>

#include "answers.h"

struct source {
	/* 0 or a negative errno, see source_read(). */
	int (*read)(struct source *src, uint32_t leaf, uint32_t subleaf,
		    struct cpuid_regs *regs);
	struct source *inner;		/* recording: the source that is recorded */
	struct answers answers;		/* file and recording: the answers */
	const char *path;		/* file: its name, for messages */
};

/*
 * One CPUID with EAX = leaf and ECX = subleaf.  Returns 0 and fills *regs, or
 *  -EACCES   CPUID faults in this process: the operating system blocks it
 *  -ENODATA  the file holds no such answer; a message is on stderr already
 *  -ENOMEM   out of memory
 */
static inline int source_read(struct source *src, uint32_t leaf,
			      uint32_t subleaf, struct cpuid_regs *regs)
{
	return src->read(src, leaf, subleaf, regs);
}

/* The CPU that happens to run this process; it pins nothing.  Needs no close. */
void source_open_cpu(struct source *src);

/*
 * The answers in the file named path.  Returns 0, or -1 with a message on
 * stderr; then there is nothing to close.
 */
int source_open_file(struct source *src, const char *path);

/* Passes every read on to inner and keeps its answer, for answers_save(). */
void source_open_recording(struct source *src, struct source *inner);

/* Frees what the source holds, not its inner source. */
void source_close(struct source *src);

/*
 * Calls fn(arg); false if that was cut short by SIGSEGV, which is what an
 * instruction that the operating system blocks ends in.
 */
bool runs_without_fault(void (*fn)(void *arg), void *arg);

#endif
