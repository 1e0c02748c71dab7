// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "report.h"

static int add_detection(struct json_object *doc, const struct detection *d)
{
	bool full = d->result == DETECTED_FULL;
	struct json_object *o = json_object_new_object();

	/* The document owns it from here on, whatever fails below. */
	if (json_member(doc, "detection", o) ||
	    json_string(o, "result", detection_key(d)) ||
	    json_number(o, "status", true, detection_status(d)) ||
	    json_string(o, "hypervisor", d->hypervisor) ||
	    json_number(o, "version", d->version, d->version) ||
	    json_number(o, "features", full, d->features) ||
	    json_string(o, "vendor", has_counters(d) ? vendor_key(d->vendor) : NULL) ||
	    json_number(o, "tsc_khz", full, d->tsc_khz) ||
	    json_number(o, "instance", d->instance, d->instance) ||
	    json_number(o, "vcpus", d->vcpus, d->vcpus))
		return -ENOMEM;
	return 0;
}

static int add_totals(struct json_object *doc, const struct counters *c, bool known)
{
	struct json_object *o;

	if (!known)
		return json_null(doc, "totals");
	o = json_object_new_object();
	if (json_member(doc, "totals", o) ||
	    json_number(o, "exits", true, c->exits) ||
	    json_number(o, "exits_bits", true, c->wide ? 64 : 32) ||
	    json_number(o, "cycles", true, c->cycles) ||
	    json_number(o, "away_cycles", c->has_away, c->away))
		return -ENOMEM;
	return 0;
}

static int add_own(struct json_object *doc, const struct counters *c)
{
	struct json_object *o;

	if (!c->own.exits)
		return json_null(doc, "own");
	o = json_object_new_object();
	if (json_member(doc, "own", o) ||
	    json_number(o, "exits", true, c->own.exits) ||
	    json_number(o, "cycles", true, c->own.cycles))
		return -ENOMEM;
	return 0;
}

int json_cell(struct json_object *o, const char *key, const struct cell *cell)
{
	switch (cell->type) {
	case CELL_NONE:
		return json_null(o, key);
	case CELL_TEXT:
		return json_string(o, key, cell->text);
	case CELL_NUMBER:
		return json_number(o, key, true, cell->number);
	case CELL_REAL:
		return json_real(o, key, true, cell->real, cell->decimals);
	}
	return 0;
}

static int add_reasons(struct json_object *doc, const struct report *rep,
		       const struct detection *d, const struct counters *c)
{
	struct json_object *list = json_object_new_array();

	if (json_member(doc, "reasons", list))
		return -ENOMEM;
	for (size_t i = 0; i < c->nr_rows; i++) {
		struct json_object *o;

		if (!row_shown(&c->rows[i], &rep->filter, rep->all))
			continue;
		o = json_element(list);
		if (!o)
			return -ENOMEM;
		for (size_t j = 0; j < rep->sel.nr; j++) {
			enum column_id id = rep->sel.ids[j];
			struct cell cell = column_cell(id, d, c, &c->rows[i]);

			if (json_cell(o, columns[id].key, &cell))
				return -ENOMEM;
		}
	}
	return 0;
}

struct json_object *report_json_document(const struct report *rep, const struct detection *d,
					 const struct counters *c, bool has_totals)
{
	struct json_object *doc = json_object_new_object();

	if (doc && !add_detection(doc, d) && !add_totals(doc, c, has_totals) &&
	    !add_own(doc, c) && !add_reasons(doc, rep, d, c))
		return doc;
	json_object_put(doc);
	return NULL;
}

int report_json(const struct report *rep, const struct reading *r)
{
	struct json_object *doc = report_json_document(rep, &r->d, &r->c, has_counters(&r->d));
	uint64_t boot_ns = r->stamp.boot_ns;
	int err = -ENOMEM;

	if (doc && !json_real(doc, "uptime_seconds", boot_ns, boot_ns / 1e9, 3))
		err = json_print(doc, false, rep->out);
	json_object_put(doc);
	return err;
}
