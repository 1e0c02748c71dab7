// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"

#define FORMAT "leaf subleaf eax ebx ecx edx, each 1 to 8 hexadecimal digits"

struct answer *answers_find(const struct answers *set, uint32_t leaf,
			    uint32_t subleaf)
{
	for (size_t i = 0; i < set->nr; i++)
		if (set->list[i].leaf == leaf && set->list[i].subleaf == subleaf)
			return &set->list[i];
	return NULL;
}

int answers_set(struct answers *set, uint32_t leaf, uint32_t subleaf,
		const struct cpuid_regs *regs)
{
	struct answer *entry = answers_find(set, leaf, subleaf);

	if (!entry) {
		if (!set->list)
			set->list = calloc(ANSWERS_MAX, sizeof(*set->list));
		if (!set->list || set->nr == ANSWERS_MAX)
			return -ENOMEM;
		entry = &set->list[set->nr++];
	}
	*entry = (struct answer){ leaf, subleaf, *regs };
	return 0;
}

/* Takes one number off the text at *pos; false if there is none. */
static bool take_number(char **pos, uint32_t *value)
{
	size_t digits = 0;

	*pos += strspn(*pos, " \t");
	*value = 0;
	for (; isxdigit((unsigned char)**pos); (*pos)++, digits++) {
		char digit[2] = { **pos };

		if (digits == 8)
			return false;
		*value = *value << 4 | strtoul(digit, NULL, 16);
	}
	/* A number ends at white space or at the end, not at any other junk. */
	return digits && (!**pos || **pos == ' ' || **pos == '\t');
}

/* NULL, or what is wrong with this line (without its newline). */
static const char *add_line(struct answers *set, char *line)
{
	uint32_t number[6];
	char *pos = line;

	line[strcspn(line, "#")] = '\0';
	if (!line[strspn(line, " \t")])
		return NULL;

	for (size_t i = 0; i < sizeof(number) / sizeof(*number); i++)
		if (!take_number(&pos, &number[i]))
			return "expected " FORMAT;
	if (pos[strspn(pos, " \t")])
		return "more than six numbers; expected " FORMAT;

	if (answers_find(set, number[0], number[1]))
		return "this leaf and subleaf were answered before; remove one of the lines";
	if (set->nr == ANSWERS_MAX)
		return "too many answers for a recording";
	if (answers_set(set, number[0], number[1],
			&(struct cpuid_regs){ number[2], number[3], number[4], number[5] }))
		return "out of memory";
	return NULL;
}

static int load_lines(struct answers *set, FILE *file, const char *path)
{
	/* The bound keeps a file that is no text, such as a device, from filling memory. */
	char line[1024];

	for (unsigned long nr = 1; fgets(line, sizeof(line), file); nr++) {
		size_t len = strlen(line);
		const char *wrong;

		if (len && line[len - 1] == '\n')
			line[len - 1] = '\0';
		else if (!len || !feof(file)) {
			warnx("'%s' line %lu: too long, or not text", path, nr);
			return -1;
		}
		wrong = add_line(set, line);
		if (wrong) {
			warnx("'%s' line %lu: %s", path, nr, wrong);
			return -1;
		}
	}
	if (ferror(file)) {
		warn("cannot read '%s'", path);
		return -1;
	}
	if (!set->nr) {
		warnx("'%s' holds no CPUID answer; record one with --dump", path);
		return -1;
	}
	return 0;
}

int answers_load(struct answers *set, const char *path)
{
	FILE *file = fopen(path, "re");
	int ret;

	if (!file) {
		warn("cannot open '%s'", path);
		return -1;
	}
	ret = load_lines(set, file, path);
	fclose(file);
	if (ret)
		answers_free(set);
	return ret;
}

int answers_save(const struct answers *set, const char *path)
{
	FILE *file = fopen(path, "we");
	bool failed;

	if (!file) {
		warn("cannot write '%s'", path);
		return -1;
	}
	fputs("# CPUID answers recorded by cpuid-probe --dump; replay with --from.\n"
	      "# leaf subleaf eax ebx ecx edx\n", file);
	for (size_t i = 0; i < set->nr; i++) {
		const struct answer *a = &set->list[i];

		fprintf(file, "%08" PRIx32 " %08" PRIx32 " %08" PRIx32 " %08" PRIx32
			" %08" PRIx32 " %08" PRIx32 "\n", a->leaf, a->subleaf,
			a->regs.eax, a->regs.ebx, a->regs.ecx, a->regs.edx);
	}
	failed = fflush(file) || ferror(file);
	if (failed)
		warn("cannot write '%s'", path);
	if (fclose(file) && !failed) {
		warn("cannot write '%s'", path);
		failed = true;
	}
	return failed ? -1 : 0;
}

void answers_free(struct answers *set)
{
	free(set->list);
	*set = (struct answers){ 0 };
}
