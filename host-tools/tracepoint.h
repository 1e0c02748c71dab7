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
/* The same of kvm_cpuid: the leaf takes the place of the exit reason. */
const char *cpuid_trace_start(void);
/*
 * The same of a function of the kernel, by a probe on its entry: its second argument (RSI) takes the place of the
 * exit reason.  With a module: "kvm_intel:vmx_handle_exit".
 */
const char *probe_start(const char *function);
/*
 * The other way to look at exits: each kvm_exit of this thread whose reason is the one given, and the kvm_entry after
 * it, with the TSC as the clock.
 */
const char *trace_pairs_start(uint32_t reason);
/* Ends all of them.  A signal handler may call it. */
void tracepoint_stop(void);

struct trace_pair {
	uint64_t exit, entry;	/* TSC */
};

/*
 * The pairs so far, to be freed; an exit without an entry yet is none.  NULL if the trace cannot be read or has lost
 * events.
 */
struct trace_pair *trace_pairs_read(size_t *nr);
/* From a line of the trace: 1 an exit, 2 an entry, 0 something else, -1 malformed. */
int trace_parse_line(const char *line, uint64_t *tsc);

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
