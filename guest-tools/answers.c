// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"

struct answer *answers_find(const struct answers *set, uint32_t leaf,
			    uint32_t subleaf)
{
	for (size_t i = 0; i < set->nr; i++)
		if (set->list[i].leaf == leaf && set->list[i].subleaf == subleaf)
			return &set->list[i];
	return NULL;
}

static struct answer *add(struct answers *set)
{
	if (set->nr == ANSWERS_MAX)
		return NULL;
	if (set->nr == set->room) {
		size_t room = set->room ? 2 * set->room : 64;
		struct answer *list = reallocarray(set->list, room, sizeof(*list));

		if (!list)
			return NULL;
		set->list = list;
		set->room = room;
	}
	return &set->list[set->nr++];
}

int answers_set(struct answers *set, uint32_t leaf, uint32_t subleaf,
		const struct cpuid_regs *regs)
{
	struct answer *entry = answers_find(set, leaf, subleaf);

	if (entry) {
		if (memcmp(&entry->regs, regs, sizeof(*regs)))
			entry->fresh = true;
		entry->regs = *regs;
		return 0;
	}
	entry = add(set);
	if (!entry)
		return -ENOMEM;
	*entry = (struct answer){ leaf, subleaf, *regs, true };
	return 0;
}

void answers_age(struct answers *set)
{
	for (size_t i = 0; i < set->nr; i++)
		set->list[i].fresh = false;
}

void answers_free(struct answers *set)
{
	free(set->list);
	*set = (struct answers){ 0 };
}
