/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANSWERS_H
#define ANSWERS_H

/* A set of CPUID answers. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A probe reads some hundreds; more is a wrong file. */
#define ANSWERS_MAX 4096

struct cpuid_regs {
	uint32_t eax, ebx, ecx, edx;
};

struct answer {
	uint32_t leaf, subleaf;
	struct cpuid_regs regs;
	bool fresh;		/* new or changed since answers_age() */
};

struct answers {
	struct answer *list;
	size_t nr, room;
};

/* The answer to exactly this leaf and subleaf, or NULL. */
struct answer *answers_find(const struct answers *set, uint32_t leaf,
			    uint32_t subleaf);

/* Adds or replaces.  0, or -ENOMEM (also with more than ANSWERS_MAX). */
int answers_set(struct answers *set, uint32_t leaf, uint32_t subleaf,
		const struct cpuid_regs *regs);

/* From here on no answer is fresh. */
void answers_age(struct answers *set);

void answers_free(struct answers *set);

#endif
