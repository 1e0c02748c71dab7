/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exact oracle: KVM's kvm_exit tracepoint, counted in the kernel by a histogram trigger keyed by thread and
 * exit reason, in a tracefs instance of our own that disturbs nobody's tracing.
 */
#ifndef TRACEPOINT_H
#define TRACEPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hist_row {
	int pid;
	uint32_t reason;
	uint64_t count;
};

struct hist {
	struct hist_row *rows;
	size_t nr;
	uint64_t dropped;
};

/* NULL if the histogram runs, else why it cannot. */
const char *tracepoint_start(void);
/* A signal handler may call it. */
void tracepoint_stop(void);

/* The histogram so far; 0, or -1 if it cannot be read or understood. */
int tracepoint_read(struct hist *hist);
/* The same from text: one row if the line is one (1), the dropped count (2), other lines (0), malformed (-1). */
int hist_parse_line(const char *line, struct hist *hist);
void hist_free(struct hist *hist);
/* The sum of a reason over threads; the reason under a mask, as VMX reports flags above bit 15. */
uint64_t hist_count(const struct hist *hist, const int *pids, int nr_pids, uint32_t reason, uint32_t mask);
/* The sum over reasons. */
uint64_t hist_total(const struct hist *hist, const int *pids, int nr_pids);

#endif
