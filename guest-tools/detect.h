/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DETECT_H
#define DETECT_H

/* What this machine is, as far as VM-exit statistics go. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "reasons.h"
#include "source.h"

enum detected {
	DETECTED_FULL,			/* all of the ABI, of a version known here */
	DETECTED_UNKNOWN_VERSION,	/* signature of a version not known here */
	DETECTED_REQUIRED,		/* the four required leaves alone */
	DETECTED_OTHER_NUMBERING,	/* exit leaves, in an order that is not ours */
	DETECTED_UNPATCHED,		/* KVM that answers no exit leaves */
	DETECTED_OTHER_HYPERVISOR,
	DETECTED_NOT_VIRTUALISED,
	DETECTED_BLOCKED,		/* CPUID faults in this process */
};

struct detection {
	enum detected result;
	/*
	 * The hypervisor's signature, up to 12 bytes, the unprintable ones as
	 * \xNN; empty if there is none.
	 */
	char hypervisor[12 * 4 + 1];

	/* The rest is 0 unless has_counters(). */
	enum vendor vendor;
	/*
	 * KVM_EXIT_STATS_FEATURE_* bits that may be relied on; without the full
	 * ABI just the per-reason leaves.
	 */
	uint32_t features;
	uint32_t version;	/* 0: no signature */

	/* Only with DETECTED_FULL: */
	uint32_t tsc_khz;	/* host TSC ticks, the unit of all cycles */
	uint32_t instance;	/* 0: not offered */
	uint32_t vcpus;		/* vCPUs summed; 0: not offered */
};

/*
 * Fills *d.  0, or -ENODATA or -ENOMEM as source_read(); that CPUID faults is
 * a result and not an error.
 */
int detect(struct source *src, struct detection *d);

/*
 * Whether the machine is still the one that *d was detected on, by as few reads as
 * will do.  0 or an error of source_read().
 */
int still_same_machine(struct source *src, const struct detection *d, bool *same);

/* Whether there are counters that can be read. */
bool has_counters(const struct detection *d);

/* Whether two detections saw one VM on one kind of host: its counters may be compared. */
bool same_machine(const struct detection *a, const struct detection *b);

/* The result as a stable word for programs, and as an exit status. */
const char *detection_key(const struct detection *d);
int detection_status(const struct detection *d);

/* One line for people, newline included. */
void detection_print(const struct detection *d, FILE *out);

#endif
