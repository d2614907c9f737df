/* html.c - see html.h. XML itself knows amp, lt, gt, quot and apos; these are all others of HTML 4.01, chapter 24.
 *
 * Guarantee: names count by their case, as there: Eacute is another letter than eacute. */
#include "html.h"

#include <stddef.h>
#include <string.h>

/* From 160 on, without gaps. */
static const char *const latin1[96] = {
	"nbsp",   "iexcl",  "cent",   "pound",  "curren", "yen",    "brvbar", "sect",   "uml",    "copy",   "ordf",
	"laquo",  "not",    "shy",    "reg",    "macr",   "deg",    "plusmn", "sup2",   "sup3",   "acute",  "micro",
	"para",   "middot", "cedil",  "sup1",   "ordm",   "raquo",  "frac14", "frac12", "frac34", "iquest", "Agrave",
	"Aacute", "Acirc",  "Atilde", "Auml",   "Aring",  "AElig",  "Ccedil", "Egrave", "Eacute", "Ecirc",  "Euml",
	"Igrave", "Iacute", "Icirc",  "Iuml",   "ETH",    "Ntilde", "Ograve", "Oacute", "Ocirc",  "Otilde", "Ouml",
	"times",  "Oslash", "Ugrave", "Uacute", "Ucirc",  "Uuml",   "Yacute", "THORN",  "szlig",  "agrave", "aacute",
	"acirc",  "atilde", "auml",   "aring",  "aelig",  "ccedil", "egrave", "eacute", "ecirc",  "euml",   "igrave",
	"iacute", "icirc",  "iuml",   "eth",    "ntilde", "ograve", "oacute", "ocirc",  "otilde", "ouml",   "divide",
	"oslash", "ugrave", "uacute", "ucirc",  "uuml",   "yacute", "thorn",  "yuml",
};

static const struct {
	unsigned code;
	const char *name;
} others[] = {
	{0x152, "OElig"},   {0x153, "oelig"},    {0x160, "Scaron"},   {0x161, "scaron"},  {0x178, "Yuml"},
	{0x192, "fnof"},    {0x2c6, "circ"},     {0x2dc, "tilde"},    {0x391, "Alpha"},   {0x392, "Beta"},
	{0x393, "Gamma"},   {0x394, "Delta"},    {0x395, "Epsilon"},  {0x396, "Zeta"},    {0x397, "Eta"},
	{0x398, "Theta"},   {0x399, "Iota"},     {0x39a, "Kappa"},    {0x39b, "Lambda"},  {0x39c, "Mu"},
	{0x39d, "Nu"},      {0x39e, "Xi"},       {0x39f, "Omicron"},  {0x3a0, "Pi"},      {0x3a1, "Rho"},
	{0x3a3, "Sigma"},   {0x3a4, "Tau"},      {0x3a5, "Upsilon"},  {0x3a6, "Phi"},     {0x3a7, "Chi"},
	{0x3a8, "Psi"},     {0x3a9, "Omega"},    {0x3b1, "alpha"},    {0x3b2, "beta"},    {0x3b3, "gamma"},
	{0x3b4, "delta"},   {0x3b5, "epsilon"},  {0x3b6, "zeta"},     {0x3b7, "eta"},     {0x3b8, "theta"},
	{0x3b9, "iota"},    {0x3ba, "kappa"},    {0x3bb, "lambda"},   {0x3bc, "mu"},      {0x3bd, "nu"},
	{0x3be, "xi"},      {0x3bf, "omicron"},  {0x3c0, "pi"},       {0x3c1, "rho"},     {0x3c2, "sigmaf"},
	{0x3c3, "sigma"},   {0x3c4, "tau"},      {0x3c5, "upsilon"},  {0x3c6, "phi"},     {0x3c7, "chi"},
	{0x3c8, "psi"},     {0x3c9, "omega"},    {0x3d1, "thetasym"}, {0x3d2, "upsih"},   {0x3d6, "piv"},
	{0x2002, "ensp"},   {0x2003, "emsp"},    {0x2009, "thinsp"},  {0x200c, "zwnj"},   {0x200d, "zwj"},
	{0x200e, "lrm"},    {0x200f, "rlm"},     {0x2013, "ndash"},   {0x2014, "mdash"},  {0x2018, "lsquo"},
	{0x2019, "rsquo"},  {0x201a, "sbquo"},   {0x201c, "ldquo"},   {0x201d, "rdquo"},  {0x201e, "bdquo"},
	{0x2020, "dagger"}, {0x2021, "Dagger"},  {0x2022, "bull"},    {0x2026, "hellip"}, {0x2030, "permil"},
	{0x2032, "prime"},  {0x2033, "Prime"},   {0x2039, "lsaquo"},  {0x203a, "rsaquo"}, {0x203e, "oline"},
	{0x2044, "frasl"},  {0x20ac, "euro"},    {0x2111, "image"},   {0x2118, "weierp"}, {0x211c, "real"},
	{0x2122, "trade"},  {0x2135, "alefsym"}, {0x2190, "larr"},    {0x2191, "uarr"},   {0x2192, "rarr"},
	{0x2193, "darr"},   {0x2194, "harr"},    {0x21b5, "crarr"},   {0x21d0, "lArr"},   {0x21d1, "uArr"},
	{0x21d2, "rArr"},   {0x21d3, "dArr"},    {0x21d4, "hArr"},    {0x2200, "forall"}, {0x2202, "part"},
	{0x2203, "exist"},  {0x2205, "empty"},   {0x2207, "nabla"},   {0x2208, "isin"},   {0x2209, "notin"},
	{0x220b, "ni"},     {0x220f, "prod"},    {0x2211, "sum"},     {0x2212, "minus"},  {0x2217, "lowast"},
	{0x221a, "radic"},  {0x221d, "prop"},    {0x221e, "infin"},   {0x2220, "ang"},    {0x2227, "and"},
	{0x2228, "or"},     {0x2229, "cap"},     {0x222a, "cup"},     {0x222b, "int"},    {0x2234, "there4"},
	{0x223c, "sim"},    {0x2245, "cong"},    {0x2248, "asymp"},   {0x2260, "ne"},     {0x2261, "equiv"},
	{0x2264, "le"},     {0x2265, "ge"},      {0x2282, "sub"},     {0x2283, "sup"},    {0x2284, "nsub"},
	{0x2286, "sube"},   {0x2287, "supe"},    {0x2295, "oplus"},   {0x2297, "otimes"}, {0x22a5, "perp"},
	{0x22c5, "sdot"},   {0x2308, "lceil"},   {0x2309, "rceil"},   {0x230a, "lfloor"}, {0x230b, "rfloor"},
	{0x2329, "lang"},   {0x232a, "rang"},    {0x25ca, "loz"},     {0x2660, "spades"}, {0x2663, "clubs"},
	{0x2665, "hearts"}, {0x2666, "diams"},
};

unsigned
html_entity(const char *name)
{
	for (unsigned i = 0; i < 96; i++)
		if (strcmp(latin1[i], name) == 0)
			return 160 + i;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(others[i].name, name) == 0)
			return others[i].code;
	return 0;
}
