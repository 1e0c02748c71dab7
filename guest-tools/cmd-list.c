// SPDX-License-Identifier: GPL-2.0-or-later
/* list: every exit reason and what it means. */
#include <inttypes.h>

#include "commands.h"
#include "grid.h"
#include "meanings.h"

static const struct grid_column list_columns[] = {
	{ "VENDOR", "vendor", GRID_LEFT }, { "REASON", "reason", GRID_RIGHT },
	{ "NAME", "name", GRID_LEFT }, { "MEANING", "meaning", GRID_LEFT },
	{ "MANUAL", "manual", GRID_LEFT },
};

#define NR_LIST_COLUMNS (sizeof(list_columns) / sizeof(*list_columns))

static struct cell text(const char *value)
{
	return (struct cell){ .type = CELL_TEXT, .text = value };
}

static int add_reason(struct grid *grid, enum vendor vendor, uint32_t reason, bool json)
{
	char name[REASON_NAME_SIZE], code[16];
	const char *meaning = reason_meaning(vendor, reason);
	struct cell number = { .type = CELL_NUMBER, .number = reason };

	reason_name(vendor, reason, name);
	/* As the table of exits has it. */
	snprintf(code, sizeof(code), vendor == VENDOR_SVM ? "0x%" PRIx32 : "%" PRIu32, reason);
	return grid_row(grid, (const struct cell[NR_LIST_COLUMNS]){
		text(vendor_key(vendor)), json ? number : text(code), text(name),
		text(meaning ? meaning : "-"), text(reasons_manual(vendor)),
	});
}

int cmd_list(struct source *src, struct options *opt)
{
	struct grid grid;
	int err = grid_begin(&grid, opt, "reasons", list_columns, NR_LIST_COLUMNS);

	(void)src;
	for (int vendor = VENDOR_VMX; vendor <= VENDOR_SVM; vendor++)
		for (size_t i = 0; !err && i < reasons_defined(vendor); i++)
			err = add_reason(&grid, vendor, reason_nth(vendor, i), opt->json);
	return grid_end(&grid, err);
}
