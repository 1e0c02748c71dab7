// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <json-c/json.h>

#include "report.h"

/*
 * Adds a member and takes over the value.  value NULL is the JSON null, so a
 * constructor's failure must be told apart: member() is for values that were
 * really made, null_member() for the null.
 */
static int member(struct json_object *object, const char *key, struct json_object *value)
{
	if (!value)
		return -ENOMEM;
	if (!json_object_object_add(object, key, value))
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

static int null_member(struct json_object *object, const char *key)
{
	return json_object_object_add(object, key, NULL) ? -ENOMEM : 0;
}

/* A number, or null where it is not known. */
static int number_member(struct json_object *object, const char *key, bool known, uint64_t value)
{
	return known ? member(object, key, json_object_new_uint64(value)) :
		       null_member(object, key);
}

static int string_member(struct json_object *object, const char *key, const char *value)
{
	return value && *value ? member(object, key, json_object_new_string(value)) :
				 null_member(object, key);
}

static int add_detection(struct json_object *doc, const struct detection *d)
{
	bool full = d->result == DETECTED_FULL;
	struct json_object *o = json_object_new_object();

	/* The document owns it from here on, whatever fails below. */
	if (member(doc, "detection", o) ||
	    string_member(o, "result", detection_key(d)) ||
	    number_member(o, "status", true, detection_status(d)) ||
	    string_member(o, "hypervisor", d->hypervisor) ||
	    number_member(o, "version", d->version, d->version) ||
	    number_member(o, "features", full, d->features) ||
	    string_member(o, "vendor", has_counters(d) ? vendor_key(d->vendor) : NULL) ||
	    number_member(o, "tsc_khz", full, d->tsc_khz) ||
	    number_member(o, "instance", d->instance, d->instance) ||
	    number_member(o, "vcpus", d->vcpus, d->vcpus))
		return -ENOMEM;
	return 0;
}

static int add_totals(struct json_object *doc, const struct detection *d, const struct counters *c)
{
	struct json_object *o;

	if (!has_counters(d))
		return null_member(doc, "totals");
	o = json_object_new_object();
	if (member(doc, "totals", o) ||
	    number_member(o, "exits", true, c->exits) ||
	    number_member(o, "exits_bits", true, c->wide ? 64 : 32) ||
	    number_member(o, "cycles", true, c->cycles) ||
	    number_member(o, "away_cycles", c->has_away, c->away))
		return -ENOMEM;
	return 0;
}

static int add_cell(struct json_object *o, const char *key, const struct cell *cell)
{
	char text[CELL_SIZE];

	switch (cell->type) {
	case CELL_NONE:
		return null_member(o, key);
	case CELL_TEXT:
		return string_member(o, key, cell->text);
	case CELL_NUMBER:
		return number_member(o, key, true, cell->number);
	case CELL_SHARE:
		/* As many digits as the table, not the seventeen of a double. */
		snprintf(text, sizeof(text), "%.2f", cell->share);
		return member(o, key, json_object_new_double_s(cell->share, text));
	}
	return 0;
}

static int add_reasons(struct json_object *doc, const struct report *rep, const struct counters *c)
{
	struct json_object *list = json_object_new_array();

	if (member(doc, "reasons", list))
		return -ENOMEM;
	for (size_t i = 0; i < c->nr_rows; i++) {
		struct json_object *o;

		if (!row_shown(&c->rows[i], rep->all))
			continue;
		o = json_object_new_object();
		if (!o)
			return -ENOMEM;
		if (json_object_array_add(list, o)) {
			json_object_put(o);
			return -ENOMEM;
		}
		for (size_t j = 0; j < rep->sel->nr; j++) {
			enum column_id id = rep->sel->ids[j];
			struct cell cell = column_cell(id, c, &c->rows[i]);

			if (add_cell(o, columns[id].key, &cell))
				return -ENOMEM;
		}
	}
	return 0;
}

int report_json(const struct report *rep, const struct detection *d, const struct counters *c)
{
	struct json_object *doc = json_object_new_object();
	const char *text = NULL;

	if (doc && !add_detection(doc, d) && !add_totals(doc, d, c) && !add_reasons(doc, rep, c))
		text = json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY |
						      JSON_C_TO_STRING_SPACED |
						      JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		puts(text);
	json_object_put(doc);
	return text ? 0 : -ENOMEM;
}
