// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "json.h"

int json_member(struct json_object *object, const char *key, struct json_object *value)
{
	if (!value)
		return -ENOMEM;
	if (object && !json_object_object_add(object, key, value))
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

int json_null(struct json_object *object, const char *key)
{
	return object && !json_object_object_add(object, key, NULL) ? 0 : -ENOMEM;
}

int json_number(struct json_object *object, const char *key, bool known, uint64_t value)
{
	return known ? json_member(object, key, json_object_new_uint64(value)) :
		       json_null(object, key);
}

int json_real(struct json_object *object, const char *key, bool known, double value, int decimals)
{
	char text[400];

	if (!known || !isfinite(value))
		return json_null(object, key);
	snprintf(text, sizeof(text), "%.*f", decimals, value);
	return json_member(object, key, json_object_new_double_s(value, text));
}

/* Of the character at s; 0: that is not UTF-8. */
static size_t utf8_length(const unsigned char *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = s[0] < 0x80 ? 1 : s[0] >> 5 == 0x6 ? 2 : s[0] >> 4 == 0xe ? 3 :
			s[0] >> 3 == 0x1e ? 4 : 0;
	uint32_t point = s[0] & (0x7f >> length);

	/* The zero at the end is no such byte. */
	for (size_t i = 1; i < length; i++) {
		if (s[i] >> 6 != 0x2)
			return 0;
		point = point << 6 | (s[i] & 0x3f);
	}
	/* No longer than it must be, no surrogate, and in Unicode's range. */
	return length < 2 || (point >= least[length] && point >> 11 != 0x1b && point <= 0x10ffff) ?
	       length : 0;
}

struct json_object *json_text(const char *text)
{
	struct json_object *string = NULL;
	char *valid = NULL;
	size_t size;
	FILE *out = open_memstream(&valid, &size);

	if (!out)
		return NULL;
	while (*text) {
		size_t length = utf8_length((const unsigned char *)text);

		fwrite(length ? text : "\xef\xbf\xbd", 1, length ? length : 3, out);
		text += length ? length : 1;
	}
	if (!fclose(out))
		string = json_object_new_string(valid);
	free(valid);
	return string;
}

int json_string(struct json_object *object, const char *key, const char *value)
{
	return value && *value ? json_member(object, key, json_text(value)) :
				 json_null(object, key);
}

struct json_object *json_element(struct json_object *array)
{
	struct json_object *o = json_object_new_object();

	if (o && json_object_array_add(array, o)) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

int json_print(struct json_object *doc, bool one_line, FILE *out)
{
	int flags = JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text = json_object_to_json_string_ext(doc, one_line ? flags :
							  flags | JSON_C_TO_STRING_PRETTY);

	if (!text)
		return -ENOMEM;
	fprintf(out, "%s\n", text);
	return 0;
}
