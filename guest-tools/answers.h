/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANSWERS_H
#define ANSWERS_H

/*
 * A set of CPUID answers, and the text file that keeps one: a line for each
 * answer, "leaf subleaf eax ebx ecx edx" in hexadecimal without prefix;
 * '#' starts a comment, empty lines are skipped.
 */

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
};

struct answers {
	struct answer *list;
	size_t nr;
};

/* The answer to exactly this leaf and subleaf, or NULL. */
struct answer *answers_find(const struct answers *set, uint32_t leaf,
			    uint32_t subleaf);

/* Adds or replaces.  0, or -ENOMEM (also with more than ANSWERS_MAX). */
int answers_set(struct answers *set, uint32_t leaf, uint32_t subleaf,
		const struct cpuid_regs *regs);

/*
 * Fills the empty *set from the file.  Strict: whatever is not the format
 * above, or an answer given twice, is refused with file, line and reason on
 * stderr.  0 or -1; after -1 the set is empty.
 */
int answers_load(struct answers *set, const char *path);

/* Writes the set to the file.  0, or -1 with a message on stderr. */
int answers_save(const struct answers *set, const char *path);

void answers_free(struct answers *set);

#endif
