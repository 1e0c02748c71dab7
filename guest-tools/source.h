/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_H
#define SOURCE_H

/*
 * Where CPUID answers come from: this CPU, the kernel's device, a file of recorded
 * answers, or (in the unit tests) a function.  Everything above this layer only calls
 * source_read().
 */

#if !defined(__x86_64__) && !defined(__i386__)
#error "cpuid-probe reads the CPUID instruction: it can be built for x86 only."
#endif

#include <stdbool.h>
#include <stdint.h>

#include "recording.h"

struct source {
	/* 0 or a negative errno, see source_read(). */
	int (*read)(struct source *src, uint32_t leaf, uint32_t subleaf,
		    struct cpuid_regs *regs);
	int (*begin)(struct source *src);		/* may be NULL */
	int (*end)(struct source *src, bool keep);	/* may be NULL */

	uint64_t reads;			/* each of them one exit, on a real CPU */
	struct stamp stamp;		/* of the current reading */

	struct answers answers;		/* file and recording: the answers */
	struct reader reader;		/* file */
	bool first_read;		/* file: the first reading is in already */
	struct source *inner;		/* recording: the source that is recorded */
	struct writer writer;		/* recording */
	int fd;				/* device */
	unsigned int cpu;		/* device: its CPU */
};

/*
 * A reading is a set of reads that belong together, between source_begin() and
 * source_end().  Begin: 0; 1 if a file has no more of them; -ENODATA if it is
 * damaged, -ENOMEM.  End: keep says whether the reading is good; 0, or -EIO if
 * it cannot be recorded.  Messages about files are on stderr already.
 */
static inline int source_begin(struct source *src)
{
	return src->begin ? src->begin(src) : 0;
}

static inline int source_end(struct source *src, bool keep)
{
	return src->end ? src->end(src, keep) : 0;
}

/*
 * One CPUID with EAX = leaf and ECX = subleaf.  Returns 0 and fills *regs, or
 *  -EACCES   CPUID faults in this process: the operating system blocks it
 *  -ERANGE   the kernel's device cannot ask for this subleaf
 *  -ENODATA  the file holds no such answer; a message is on stderr already
 *  -EIO      the kernel's device failed; a message is on stderr already
 *  -ENOMEM   out of memory
 */
static inline int source_read(struct source *src, uint32_t leaf,
			      uint32_t subleaf, struct cpuid_regs *regs)
{
	src->reads++;
	return src->read(src, leaf, subleaf, regs);
}

/* The CPU that happens to run this process; it pins nothing.  Needs no close. */
void source_open_cpu(struct source *src);

/*
 * The kernel's CPUID device of the CPU that happens to run this process: the kernel
 * executes CPUID there.  Returns 0, or -1 with a message on stderr.
 */
int source_open_device(struct source *src);

/*
 * The answers in the file named path.  Returns 0, or -1 with a message on
 * stderr; then there is nothing to close.
 */
int source_open_file(struct source *src, const char *path);

/* The same for a stream, which it takes over; NULL: an error that errno tells. */
int source_open_stream(struct source *src, FILE *file, const char *path);

/*
 * Passes every read on to inner and writes the answers of each reading to the file
 * named path.  Returns 0, or -1 with a message on stderr.
 */
int source_open_recording(struct source *src, struct source *inner, const char *path);

/* Frees what the source holds, not its inner source.  0, or -1 if a recording failed. */
int source_close(struct source *src);

/*
 * Calls fn(arg); false if that was cut short by SIGSEGV, which is what an
 * instruction that the operating system blocks ends in.
 */
bool runs_without_fault(void (*fn)(void *arg), void *arg);

#endif
