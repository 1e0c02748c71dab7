/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KVM's binary statistics, Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD. */
#ifndef STATS_H
#define STATS_H

#include <stdint.h>
#include <linux/kvm.h>

struct stats;

struct stat_desc {
	uint32_t flags;
	int16_t exponent;
	uint16_t size;		/* number of values */
	uint32_t offset;
	uint32_t bucket_size;
};

/* Takes fd over.  NULL with errno set if that is not a statistics file. */
struct stats *stats_open(int fd);
void stats_close(struct stats *s);
/* 0, or -1 if there is no such statistic. */
int stats_find(struct stats *s, const char *name, struct stat_desc *desc);
/* All of a statistic's values, at most max of them.  The number read, or -1. */
int stats_read(struct stats *s, const struct stat_desc *desc, uint64_t *values, int max);

#endif
