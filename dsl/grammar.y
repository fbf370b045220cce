/* The rule language. Companion of docs; every action is one call of a builder in ast_build.h.
 *
 * No conflicts, no precedence directives, no error productions: the driver (parse.c) tries every
 * token with parser_accepts() before it feeds it, so the stack at an error is untouched and the
 * expected set is exact; recovery starts this parser anew with TK_ENTRY_DECLS. */
%name DslParser
%token_prefix TK_
%token_type {const struct token *}
%extra_context {struct parse *P}
%stack_size 6000
%stack_overflow { parse_too_deep(P); }

%include {
#include <assert.h>
#include <stdlib.h>

#include "dsl/ast_build.h"
#include "dsl/parser.h"

/* The driver never feeds a token that cannot be shifted. */
#define YYNOERRORRECOVERY 1
}

/* Contextual words: a name wherever the state has no action of its own for them. */
%token ID.
%fallback ID AHEAD ALERT ALL ANY ANYWHERE ASSUME AT BY CLOCK CONST CONTAINS DESCRIPTION EACH
    ENDS ENUM EVENT EVENTS EVERY EXPECT FILE FIRST FOLLOW FORMAT FROM GIVEN IDLE IMPORT KEY
    LANGUAGE LAST LATE LET LIST LOOKUP MATCH MAX MESSAGE MISSING MOST NEXT OPTIONAL ORDER OUT
    OVER OWNER PAST PER PRESENT PROFILE REFERENCE REFRESH RELOAD RESTART RULE SCHEMA SEED SET
    SEVERITY SHUFFLE STARTS STATUS STEP TAGS TEST TIME TIMEOUT TITLE TO TOPIC VERSION WARM
    WATERMARK WITH XN.

%type file {int}
%type decls {int}
%type decl {struct ast_decl *}
%type path {struct ast_path *}
%type paths {struct ast_paths *}
%type keys {struct ast_keys *}
%type key {struct ast_key *}
%type strings {struct ast_literals *}
%type literals {struct ast_literals *}
%type literal {struct ast_literal *}
%type value {struct ast_literal *}
%type moment {struct ast_literal *}
%type dur {struct ast_dur *}
%type where {struct ast_clause *}
%type where_opt {struct ast_clause *}

%start_symbol input
input ::= ENTRY_FILE version decls.
input ::= ENTRY_DECLS decls.
input ::= ENTRY_EXPR expr(E). { build_root_expr(P, E); }

version ::= LANGUAGE INT(V). { build_version(P, V); }
decls ::= .
decls ::= decls decl(D). { build_decl(P, D); }

/* ---------------------------------------------------------------------------- declarations */

decl(R) ::= IMPORT(K) STRING(S). { R = build_import(P, K, S); }
decl(R) ::= CONST(K) ID(N) EQ expr(E). { R = build_const(P, K, N, E); }
decl(R) ::= EVENT(K) ID(N) event_source(S) LBRACE items(I) RBRACE(Z).
    { R = build_event(P, K, N, S, I, Z); }
decl(R) ::= LIST(K) ID(N) COLON type(T) origin(O). { R = build_list(P, K, N, T, O, NULL); }
decl(R) ::= LIST(K) ID(N) COLON type(T) EQ array(A). { R = build_list(P, K, N, T, NULL, A); }
decl(R) ::= LOOKUP(K) ID(N) COLON type(T) TO type(V) origin(O).
    { R = build_lookup(P, K, N, T, V, O, NULL); }
decl(R) ::= LOOKUP(K) ID(N) COLON type(T) TO type(V) EQ map(M).
    { R = build_lookup(P, K, N, T, V, NULL, M); }
decl(R) ::= LET(K) ID(N) EQ filter(F). { R = build_let(P, K, N, F); }
decl(R) ::= LET(K) ID(N) EQ ANY(A) OF(O) LPAREN filters(F) RPAREN(Z).
    { R = build_let_any(P, K, N, A, O, F, Z); }
decl(R) ::= PROFILE(K) ID(N) FOR EACH keys(Y) FROM filter(F) LBRACE measures(M) RBRACE(Z).
    { R = build_profile(P, K, N, Y, F, M, Z); }
decl(R) ::= RULE(K) ID(N) LBRACE rule_body(B) RBRACE(Z). { R = build_rule(P, K, N, B, Z); }
decl(R) ::= TEST(K) STRING(S) FOR ID(N) LBRACE stmts(T) RBRACE(Z).
    { R = build_test_decl(P, build_test(P, K, S, N, T, Z)); }

%type event_source {struct ast_event *}
event_source(R) ::= . { R = build_event_source(P, NULL, NULL, NULL, NULL, NULL); }
event_source(R) ::= FROM(A) TOPIC(B) strings(S) format_opt(F) where_opt(W).
    { R = build_event_source(P, A, B, S, F, W); }

%type format_opt {struct ast_format *}
format_opt(R) ::= . { R = NULL; }
format_opt(R) ::= FORMAT(K) ID(N). { R = build_format(P, K, N, NULL, NULL); }
format_opt(R) ::= FORMAT(K) ID(N) SCHEMA STRING(S). { R = build_format(P, K, N, S, NULL); }
format_opt(R) ::= FORMAT(K) ID(N) SCHEMA STRING(S) MESSAGE STRING(M).
    { R = build_format(P, K, N, S, M); }

%type items {struct ast_items *}
items(R) ::= item(I). { R = build_items(P, NULL, I); }
items(R) ::= items(L) item(I). { R = build_items(P, L, I); }
items(R) ::= items(L) COMMA item(I). { R = build_items(P, L, I); }

%type item {struct ast_item *}
%type field {struct ast_item *}
item(R) ::= field(F). { R = F; }
item(R) ::= path(N) COLON type(T) EQ expr(E). { R = build_computed(P, N, T, E); }
item(R) ::= OUT(A) OF ORDER BY(B) dur(D).
    { R = build_clock_item(P, AST_ITEM_OUT_OF_ORDER, build_timed(P, A, B, D)); }
item(R) ::= IDLE(A) AFTER(B) dur(D). { R = build_idle(P, build_timed(P, A, B, D), NULL, NULL); }
item(R) ::= IDLE(A) AFTER(B) dur(D) FOLLOW(X) CLOCK(Y).
    { R = build_idle(P, build_timed(P, A, B, D), X, Y); }
item(R) ::= WATERMARK(K) PER path(N). { R = build_watermark_per(P, K, N); }
item(R) ::= AT(A) MOST(B) dur(D) AHEAD(Z). { R = build_ahead(P, build_timed(P, A, B, D), Z); }
field(R) ::= path(N) COLON type(T). { R = build_field(P, N, T); }
field(R) ::= field(F) KEY(K). { R = build_option(P, F, AST_OPTION_KEY, K, K); }
field(R) ::= field(F) OPTIONAL(K). { R = build_option(P, F, AST_OPTION_OPTIONAL, K, K); }
field(R) ::= field(F) EVENT(K) TIME(Z). { R = build_option(P, F, AST_OPTION_EVENT_TIME, K, Z); }
field(R) ::= field(F) FROM(K) STRING(S). { R = build_option(P, F, AST_OPTION_FROM, K, S); }

%type type {struct ast_type *}
type(R) ::= ID(N). { R = build_type(P, AST_TYPE_NAME, N, N, NULL); }
type(R) ::= ID(N) IN ID(U). { R = build_type(P, AST_TYPE_NAME, N, N, U); }
type(R) ::= SET(K) OF ID(N). { R = build_type(P, AST_TYPE_SET, K, N, NULL); }
type(R) ::= LIST(K) OF ID(N). { R = build_type(P, AST_TYPE_LIST, K, N, NULL); }
type(R) ::= ENUM(K) LPAREN strings(S) RPAREN(Z). { R = build_enum(P, K, S, Z); }

%type origin {struct ast_origin *}
origin(R) ::= FROM(K) FILE STRING(S). { R = build_origin(P, AST_ORIGIN_FILE, K, S, NULL); }
origin(R) ::= FROM(K) TOPIC STRING(S). { R = build_origin(P, AST_ORIGIN_TOPIC, K, S, NULL); }
origin(R) ::= FROM(K) TOPIC STRING(S) REFRESH(A) EVERY(B) dur(D).
    { R = build_origin(P, AST_ORIGIN_TOPIC, K, S, build_timed(P, A, B, D)); }

%type filter {struct ast_filter *}
%type filters {struct ast_filters *}
filter(R) ::= ID(N) where_opt(W). { R = build_filter(P, N, W); }
filters(R) ::= filter(F). { R = build_filters(P, NULL, F); }
filters(R) ::= filters(L) COMMA filter(F). { R = build_filters(P, L, F); }

%type measure {struct ast_measure *}
%type measures {struct ast_measures *}
measures(R) ::= measure(M). { R = build_measures(P, NULL, M); }
measures(R) ::= measures(L) measure(M). { R = build_measures(P, L, M); }
measures(R) ::= measures(L) COMMA measure(M). { R = build_measures(P, L, M); }
measure(R) ::= ID(N) EQ arith(E) OVER(K) dur(D).
    { R = build_measure(P, N, E, build_timed(P, K, K, D)); }
measure(R) ::= measure(M) EVERY(K) dur(D).
    { R = build_measure_time(P, M, build_timed(P, K, K, D), true); }
measure(R) ::= measure(M) WARM(K) dur(D).
    { R = build_measure_time(P, M, build_timed(P, K, K, D), false); }
measure(R) ::= measure(M) MAX(K) INT(N). { R = build_measure_max(P, M, K, N); }

/* ----------------------------------------------------------------------------------- rules */

%type rule_body {struct ast_rule *}
rule_body(R) ::= metas(M) head(H) WHEN(W) pattern(S) withouts(X) policy(Y) quiet(Q) outputs(O)
                 tests(T).
    { R = build_rule_body(P, M, H, W, S, X, Y, Q, O, T); }

%type metas {struct ast_metas *}
%type meta {struct ast_meta *}
metas(R) ::= . { R = NULL; }
metas(R) ::= metas(L) meta(M). { R = build_metas(P, L, M); }
meta(R) ::= TITLE(K) STRING(S). { R = build_meta_string(P, AST_META_TITLE, K, S); }
meta(R) ::= descr(D). { R = D; }
meta(R) ::= OWNER(K) STRING(S). { R = build_meta_string(P, AST_META_OWNER, K, S); }
meta(R) ::= REFERENCE(K) STRING(S). { R = build_meta_string(P, AST_META_REFERENCE, K, S); }
meta(R) ::= SEVERITY(K) ID(N). { R = build_meta_name(P, AST_META_SEVERITY, K, N); }
meta(R) ::= STATUS(K) ID(N). { R = build_meta_name(P, AST_META_STATUS, K, N); }
meta(R) ::= VERSION(K) INT(N). { R = build_meta_number(P, AST_META_VERSION, K, N); }
meta(R) ::= TAGS(K) tags(T). { R = build_meta_tags(P, K, T); }
%type descr {struct ast_meta *}
descr(R) ::= DESCRIPTION(K) STRING(S). { R = build_meta_string(P, AST_META_DESCRIPTION, K, S); }
descr(R) ::= descr(D) STRING(S). { R = build_meta_more(P, D, S); }

%type tags {struct ast_tags *}
%type tag {struct ast_tag *}
%type tag_path {struct ast_tag *}
tags(R) ::= tag(T). { R = build_tags(P, NULL, T); }
tags(R) ::= tags(L) COMMA tag(T). { R = build_tags(P, L, T); }
tag(R) ::= STRING(S). { R = build_tag(P, S); }
tag(R) ::= tag_path(T). { R = T; }
tag_path(R) ::= ID(N). { R = build_tag(P, N); }
tag_path(R) ::= tag_path(T) DOT ID(N). { R = build_tag_part(P, T, N); }
tag_path(R) ::= tag_path(T) DOT INT(N). { R = build_tag_part(P, T, N); }
tag_path(R) ::= tag_path(T) DOT DEC(N). { R = build_tag_part(P, T, N); }

%type head {struct ast_head *}
head(R) ::= . { R = NULL; }
head(R) ::= FOR(A) EACH(B) keys(Y). { R = build_head(P, A, B, Y, NULL); }
head(R) ::= FOR(A) EACH(B) keys(Y) WITHIN(K) dur(D).
    { R = build_head(P, A, B, Y, build_timed(P, K, K, D)); }
head(R) ::= WITHIN(K) dur(D). { R = build_head(P, NULL, NULL, NULL, build_timed(P, K, K, D)); }

keys(R) ::= key(Y). { R = build_keys(P, NULL, Y); }
keys(R) ::= keys(L) COMMA key(Y). { R = build_keys(P, L, Y); }
key(R) ::= path(N). { R = build_key(P, NULL, N); }
key(R) ::= key(Y) EQ path(N). { R = build_key(P, Y, N); }

dur(R) ::= DUR(D). { R = build_dur(P, D); }
dur(R) ::= ID(N). { R = build_dur(P, N); }

%type pattern {struct ast_pattern *}
%type leads {struct ast_pattern *}
%type lead {struct ast_elem *}
pattern(R) ::= step(S). { R = build_pattern(P, NULL, build_step(P, NULL, S)); }
pattern(R) ::= leads(L) step(S). { R = build_pattern(P, L, build_step(P, NULL, S)); }
pattern(R) ::= pattern(L) THEN(T) step(S).
    { R = build_pattern(P, L, build_step(P, build_link(P, T, NULL), S)); }
pattern(R) ::= pattern(L) THEN(T) link(K) step(S).
    { R = build_pattern(P, L, build_step(P, build_link(P, T, K), S)); }
pattern(R) ::= pattern(L) THEN(T) NO(N) event(E).
    { R = build_pattern(P, L, build_absence(P, T, N, E, NULL)); }
pattern(R) ::= pattern(L) THEN(T) NO(N) event(E) FOR(F) dur(D).
    { R = build_pattern(P, L, build_absence(P, T, N, E, build_timed(P, F, F, D))); }
pattern(R) ::= pattern(L) THEN(T) NEXT(X) NO(N) event(E).
    { R = build_pattern(P, L, build_next_no(P, T, X, N, E)); }
leads(R) ::= lead(E). { R = build_pattern(P, NULL, E); }
leads(R) ::= leads(L) lead(E). { R = build_pattern(P, L, E); }
lead(R) ::= NO(N) event(E) FOR(F) dur(D) THEN(T).
    { R = build_lead(P, N, E, build_timed(P, F, F, D), NULL, NULL, T); }
lead(R) ::= NO(N) event(E) FOR(F) dur(D) ASSUME(A) QUIET(Q) THEN(T).
    { R = build_lead(P, N, E, build_timed(P, F, F, D), A, Q, T); }

%type link {struct ast_link *}
%type gap {struct ast_link *}
link(R) ::= FIRST(K). { R = build_link_kind(P, AST_LINK_FIRST, K, NULL); }
link(R) ::= FIRST(K) WITHIN(W) dur(D).
    { R = build_link_kind(P, AST_LINK_FIRST, K, build_gap(P, build_timed(P, W, W, D), NULL)); }
link(R) ::= NEXT(K). { R = build_link_kind(P, AST_LINK_NEXT, K, NULL); }
link(R) ::= NEXT(K) gap(G). { R = build_link_kind(P, AST_LINK_NEXT, K, G); }
link(R) ::= gap(G). { R = G; }
gap(R) ::= WITHIN(W) dur(D). { R = build_gap(P, build_timed(P, W, W, D), NULL); }
gap(R) ::= AFTER(A) dur(D). { R = build_gap(P, NULL, build_timed(P, A, A, D)); }
gap(R) ::= WITHIN(W) dur(D) AFTER(A) dur(E).
    { R = build_gap(P, build_timed(P, W, W, D), build_timed(P, A, A, E)); }
gap(R) ::= AFTER(A) dur(E) WITHIN(W) dur(D).
    { R = build_gap(P, build_timed(P, W, W, D), build_timed(P, A, A, E)); }

%type step {struct ast_part *}
%type part {struct ast_part *}
step(R) ::= part(S). { R = S; }
step(R) ::= OPTIONAL(K) part(S). { R = build_optional(P, K, S); }
part(R) ::= event(E). { R = build_event_part(P, E); }
part(R) ::= INT(N) named(E) cond(C) pace(A) having_opt(H) guard(G).
    { R = build_counted(P, build_count(P, N, NULL, NULL), E, C, A, NULL, H, G); }
part(R) ::= loop(N) named(E) cond(C) pace(A) having_opt(H) guard(G).
    { R = build_counted(P, N, E, C, A, NULL, H, G); }
part(R) ::= loop(N) named(E) cond(C) pace(A) UNTIL(K) expr(U) guard(G).
    { R = build_counted(P, N, E, C, A, build_clause(P, K, U), NULL, G); }
part(R) ::= INT(N) TIMES LPAREN pattern(S) RPAREN(Z) adj_opt(J) pace(A) having_opt(H) guard(G).
    { R = build_repeated(P, build_count(P, N, NULL, NULL), S, Z, J, A, H, G); }
part(R) ::= loop(N) TIMES LPAREN pattern(S) RPAREN(Z) adj_opt(J) pace(A) having_opt(H) guard(G).
    { R = build_repeated(P, N, S, Z, J, A, H, G); }
part(R) ::= LPAREN(A) pattern(S) RPAREN(Z) guard(G). { R = build_group(P, A, S, Z, G); }
part(R) ::= ALL(A) OF(B) LPAREN patterns(S) RPAREN(Z) guard(G).
    { R = build_choice(P, AST_CHOICE_ALL, A, B, S, Z, G); }
part(R) ::= ANY(A) OF(B) LPAREN patterns(S) RPAREN(Z) guard(G).
    { R = build_choice(P, AST_CHOICE_ANY, A, B, S, Z, G); }
part(R) ::= INT(A) OF(B) LPAREN patterns(S) RPAREN(Z) guard(G).
    { R = build_choice(P, AST_CHOICE_N, A, B, S, Z, G); }

%type patterns {struct ast_patterns *}
patterns(R) ::= pattern(S). { R = build_patterns(P, NULL, S); }
patterns(R) ::= patterns(L) COMMA pattern(S). { R = build_patterns(P, L, S); }

%type loop {struct ast_count *}
loop(R) ::= INT(N) OR MORE(Z). { R = build_count(P, N, NULL, Z); }
loop(R) ::= INT(N) TO INT(M). { R = build_count(P, N, M, NULL); }

%type named {struct ast_event_test *}
%type event {struct ast_event_test *}
named(R) ::= ID(N). { R = build_named(P, N, NULL); }
named(R) ::= ID(N) AS ID(A). { R = build_named(P, N, A); }
event(R) ::= named(E) where_opt(W). { R = build_event_where(P, E, W); }

/* `in a row` and `anywhere` stand before or behind `where`. */
%type cond {struct ast_cond *}
%type adj {struct ast_adj *}
%type adj_opt {struct ast_adj *}
cond(R) ::= adj_opt(J). { R = build_cond(P, NULL, J); }
cond(R) ::= where(W) adj_opt(J). { R = build_cond(P, W, J); }
cond(R) ::= adj(J) where(W). { R = build_cond(P, W, J); }
adj_opt(R) ::= . { R = NULL; }
adj_opt(R) ::= adj(J). { R = J; }
adj(R) ::= IN_A_ROW(K). { R = build_adj(P, AST_ADJ_IN_A_ROW, K); }
adj(R) ::= ANYWHERE(K). { R = build_adj(P, AST_ADJ_ANYWHERE, K); }

%type pace {struct ast_timed *}
pace(R) ::= . { R = NULL; }
pace(R) ::= EACH(A) WITHIN(B) dur(D). { R = build_timed(P, A, B, D); }

%type having_opt {struct ast_clause *}
having_opt(R) ::= . { R = NULL; }
having_opt(R) ::= HAVING(K) expr(E). { R = build_clause(P, K, E); }

%type guard {struct ast_suffix *}
guard(R) ::= . { R = build_suffix(P, NULL, NULL); }
guard(R) ::= WITHIN(K) dur(D). { R = build_suffix(P, NULL, build_timed(P, K, K, D)); }
guard(R) ::= WITH(A) NO(B) event(E). { R = build_suffix(P, build_guard(P, A, B, E), NULL); }
guard(R) ::= WITH(A) NO(B) event(E) WITHIN(K) dur(D).
    { R = build_suffix(P, build_guard(P, A, B, E), build_timed(P, K, K, D)); }

where(R) ::= WHERE(K) expr(E). { R = build_clause(P, K, E); }
where_opt(R) ::= . { R = NULL; }
where_opt(R) ::= where(W). { R = W; }

%type withouts {struct ast_withouts *}
withouts(R) ::= . { R = NULL; }
withouts(R) ::= withouts(L) WITHOUT event(E). { R = build_withouts(P, L, E); }

%type policy {struct ast_policy *}
policy(R) ::= . { R = NULL; }
policy(R) ::= AFTER(K) MATCH SKIP PAST LAST(Z).
    { R = build_policy(P, AST_POLICY_SKIP_PAST_LAST, K, Z, NULL); }
policy(R) ::= AFTER(K) MATCH SKIP TO NEXT(Z).
    { R = build_policy(P, AST_POLICY_SKIP_TO_NEXT, K, Z, NULL); }
policy(R) ::= AFTER(K) MATCH SKIP TO FIRST ID(N).
    { R = build_policy(P, AST_POLICY_SKIP_TO_FIRST, K, N, N); }
policy(R) ::= AFTER(K) MATCH SKIP TO LAST ID(N).
    { R = build_policy(P, AST_POLICY_SKIP_TO_LAST, K, N, N); }
policy(R) ::= AFTER(K) MATCH NO SKIP(Z). { R = build_policy(P, AST_POLICY_NO_SKIP, K, Z, NULL); }

%type quiet {struct ast_quiet *}
quiet(R) ::= . { R = NULL; }
quiet(R) ::= QUIET(A) FOR(B) dur(D). { R = build_quiet(P, build_timed(P, A, B, D), NULL, NULL); }
quiet(R) ::= QUIET(A) FOR(B) dur(D) PER(K) paths(L).
    { R = build_quiet(P, build_timed(P, A, B, D), K, L); }

%type outputs {struct ast_outputs *}
%type emit {struct ast_emit *}
outputs(R) ::= emit(E). { R = build_outputs(P, NULL, E); }
outputs(R) ::= ON(K) TIMEOUT emit(E). { R = build_outputs(P, NULL, build_on_timeout(P, K, E)); }
outputs(R) ::= outputs(L) emit(E). { R = build_outputs(P, L, E); }
emit(R) ::= EMIT(A) ALERT(B) body_opt(Y). { R = build_emit(P, A, B, NULL, Y); }
emit(R) ::= EMIT(A) EVENT(B) ID(N) body_opt(Y). { R = build_emit(P, A, B, N, Y); }

%type body {struct ast_body *}
%type body_opt {struct ast_body *}
%type assigns {struct ast_body *}
%type assign {struct ast_assign *}
body_opt(R) ::= . { R = NULL; }
body_opt(R) ::= body(Y). { R = Y; }
body(R) ::= LBRACE(A) RBRACE(Z). { R = build_body(P, A, NULL, Z); }
body(R) ::= LBRACE(A) assigns(L) RBRACE(Z). { R = build_body(P, A, L, Z); }
assigns(R) ::= assign(S). { R = build_assigns(P, NULL, S); }
assigns(R) ::= assigns(L) assign(S). { R = build_assigns(P, L, S); }
assigns(R) ::= assigns(L) COMMA assign(S). { R = build_assigns(P, L, S); }
assign(R) ::= path(N) EQ expr(E). { R = build_assign(P, N, E); }

/* ----------------------------------------------------------------------------------- tests */

%type tests {struct ast_tests *}
%type stmts {struct ast_stmts *}
%type stmt {struct ast_stmt *}
tests(R) ::= . { R = NULL; }
tests(R) ::= tests(L) TEST(K) STRING(S) LBRACE stmts(T) RBRACE(Z).
    { R = build_tests(P, L, build_test(P, K, S, NULL, T, Z)); }
stmts(R) ::= . { R = NULL; }
stmts(R) ::= stmts(L) stmt(S). { R = build_stmts(P, L, S); }

stmt(R) ::= GIVEN(K) LIST ID(N) EQ array(A). { R = build_given_list(P, K, N, A); }
stmt(R) ::= GIVEN(K) LOOKUP ID(N) EQ map(M). { R = build_given_lookup(P, K, N, M); }
stmt(R) ::= GIVEN(K) PROFILE ID(N) FOR literals(L) body_opt(Y).
    { R = build_given_profile(P, K, N, L, Y); }
stmt(R) ::= GIVEN(K) TIME TSTAMP(T).
    { R = build_moment_stmt(P, AST_STMT_GIVEN_TIME, K, T->literal); }
stmt(R) ::= at(S). { R = S; }
stmt(R) ::= LATE(K) at(S). { R = build_late(P, K, S); }
stmt(R) ::= WATERMARK(K) moment(M). { R = build_moment_stmt(P, AST_STMT_WATERMARK, K, M); }
stmt(R) ::= EXPECT(K) expectation(S). { R = build_expect(P, K, NULL, S); }
stmt(R) ::= EXPECT(K) NO MATCH(Z). { R = build_expect_none(P, K, Z); }
stmt(R) ::= EXPECT(K) AT moment(M) expectation(S). { R = build_expect(P, K, M, S); }
stmt(R) ::= RELOAD(K) STRING(S). { R = build_word_stmt(P, AST_STMT_RELOAD, K, S); }
stmt(R) ::= RESTART(K). { R = build_word_stmt(P, AST_STMT_RESTART, K, NULL); }
stmt(R) ::= EVENTS(K) STRING(S). { R = build_word_stmt(P, AST_STMT_EVENTS, K, S); }
stmt(R) ::= SHUFFLE(K) WITHIN(W) dur(D). { R = build_shuffle(P, K, NULL, build_timed(P, W, W, D)); }
stmt(R) ::= SHUFFLE(K) SEED INT(N) WITHIN(W) dur(D).
    { R = build_shuffle(P, K, N, build_timed(P, W, W, D)); }

%type at {struct ast_stmt *}
at(R) ::= AT(K) moment(M) ID(N) body_opt(Y). { R = build_at(P, K, M, N, Y, NULL, NULL); }
at(R) ::= AT(K) moment(M) ID(N) body_opt(Y) XN(X). { R = build_at(P, K, M, N, Y, X, NULL); }
at(R) ::= AT(K) moment(M) ID(N) body_opt(Y) XN(X) EVERY(E) dur(D).
    { R = build_at(P, K, M, N, Y, X, build_timed(P, E, E, D)); }

%type expectation {struct ast_stmt *}
expectation(R) ::= match_word(Z) body_opt(Y). { R = build_expect_match(P, NULL, Z, Y); }
expectation(R) ::= INT(N) match_word(Z) body_opt(Y). { R = build_expect_match(P, N, Z, Y); }
expectation(R) ::= TIMEOUT(K) AT STEP INT(N) body_opt(Y). { R = build_expect_timeout(P, K, N, Y); }
expectation(R) ::= TIMEOUT(K) AT STEP ID(N) body_opt(Y). { R = build_expect_timeout(P, K, N, Y); }
match_word(R) ::= MATCH(K). { R = K; }
match_word(R) ::= MATCHES(K). { R = K; }

moment(R) ::= DUR(D). { R = D->literal; }
moment(R) ::= TSTAMP(T). { R = T->literal; }

/* ----------------------------------------------------------------------------- expressions */

%type expr {struct ast_expr *}
%type disj {struct ast_expr *}
%type conj {struct ast_expr *}
%type neg {struct ast_expr *}
%type cmp {struct ast_expr *}
%type arith {struct ast_expr *}
%type term {struct ast_expr *}
%type unary {struct ast_expr *}
%type atom {struct ast_expr *}
%type ref {struct ast_expr *}
%type operand {struct ast_expr *}
%type array {struct ast_expr *}
%type exprs {struct ast_exprs *}

expr(R) ::= IF(K) expr(C) THEN expr(Y) ELSE expr(N). { R = build_if(P, K, C, Y, N); }
expr(R) ::= disj(E). { R = E; }
disj(R) ::= disj(A) OR(O) conj(B). { R = build_binary(P, AST_OR, O, A, B); }
disj(R) ::= conj(E). { R = E; }
conj(R) ::= conj(A) AND(O) neg(B). { R = build_binary(P, AST_AND, O, A, B); }
conj(R) ::= neg(E). { R = E; }
neg(R) ::= NOT(O) neg(A). { R = build_unary(P, AST_NOT, O, A); }
neg(R) ::= cmp(E). { R = E; }

cmp(R) ::= arith(E). { R = E; }
cmp(R) ::= arith(A) EQ(O) arith(B). { R = build_binary(P, AST_EQ, O, A, B); }
cmp(R) ::= arith(A) NE(O) arith(B). { R = build_binary(P, AST_NE, O, A, B); }
cmp(R) ::= arith(A) LT(O) arith(B). { R = build_binary(P, AST_LT, O, A, B); }
cmp(R) ::= arith(A) LE(O) arith(B). { R = build_binary(P, AST_LE, O, A, B); }
cmp(R) ::= arith(A) GT(O) arith(B). { R = build_binary(P, AST_GT, O, A, B); }
cmp(R) ::= arith(A) GE(O) arith(B). { R = build_binary(P, AST_GE, O, A, B); }
cmp(R) ::= arith(V) BETWEEN(O) arith(A) AND arith(B). { R = build_between(P, NULL, O, V, A, B); }
cmp(R) ::= arith(V) NOT(X) BETWEEN(O) arith(A) AND arith(B).
    { R = build_between(P, X, O, V, A, B); }
cmp(R) ::= arith(V) test_op(O) operand(A). { R = build_member_test(P, NULL, O, V, A); }
cmp(R) ::= arith(V) NOT(X) test_op(O) operand(A). { R = build_member_test(P, X, O, V, A); }
cmp(R) ::= arith(V) IS(O) MISSING(K). { R = build_is(P, O, NULL, K, V, false); }
cmp(R) ::= arith(V) IS(O) NOT(X) MISSING(K). { R = build_is(P, O, X, K, V, false); }
cmp(R) ::= arith(V) IS(O) PRESENT(K). { R = build_is(P, O, NULL, K, V, true); }
cmp(R) ::= arith(V) IS(O) NOT(X) PRESENT(K). { R = build_is(P, O, X, K, V, true); }

%type test_op {struct ast_test_sign *}
test_op(R) ::= IN(O). { R = build_test_op(P, AST_TEST_IN, O, O, NULL); }
test_op(R) ::= TILDE(O). { R = build_test_op(P, AST_TEST_GLOB, O, O, NULL); }
test_op(R) ::= LIKE(O). { R = build_test_op(P, AST_TEST_LIKE, O, O, NULL); }
test_op(R) ::= MATCHES(O). { R = build_test_op(P, AST_TEST_MATCHES, O, O, NULL); }
test_op(R) ::= CONTAINS(O). { R = build_test_op(P, AST_TEST_CONTAINS, O, O, NULL); }
test_op(R) ::= CONTAINS(O) TILDE(T). { R = build_test_op(P, AST_TEST_CONTAINS, O, O, T); }
test_op(R) ::= STARTS(O) WITH(W). { R = build_test_op(P, AST_TEST_STARTS_WITH, O, W, NULL); }
test_op(R) ::= STARTS(O) WITH(W) TILDE(T). { R = build_test_op(P, AST_TEST_STARTS_WITH, O, W, T); }
test_op(R) ::= ENDS(O) WITH(W). { R = build_test_op(P, AST_TEST_ENDS_WITH, O, W, NULL); }
test_op(R) ::= ENDS(O) WITH(W) TILDE(T). { R = build_test_op(P, AST_TEST_ENDS_WITH, O, W, T); }

operand(R) ::= atom(E). { R = E; }
operand(R) ::= LPAREN(A) exprs(L) RPAREN(Z). { R = build_items_expr(P, AST_EXPR_TUPLE, A, L, Z); }
operand(R) ::= LPAREN(A) exprs(L) COMMA RPAREN(Z).
    { R = build_items_expr(P, AST_EXPR_TUPLE, A, L, Z); }
operand(R) ::= LIST(K) ID(N). { R = build_named_list(P, K, N); }

arith(R) ::= arith(A) PLUS(O) term(B). { R = build_binary(P, AST_ADD, O, A, B); }
arith(R) ::= arith(A) MINUS(O) term(B). { R = build_binary(P, AST_SUB, O, A, B); }
arith(R) ::= term(E). { R = E; }
term(R) ::= term(A) STAR(O) unary(B). { R = build_binary(P, AST_MUL, O, A, B); }
term(R) ::= term(A) SLASH(O) unary(B). { R = build_binary(P, AST_DIV, O, A, B); }
term(R) ::= unary(E). { R = E; }
unary(R) ::= MINUS(O) unary(A). { R = build_unary(P, AST_NEG, O, A); }
unary(R) ::= PERCENT(N) OF(O) unary(A). { R = build_percent_of(P, N, O, A); }
unary(R) ::= atom(E). { R = E; }
unary(R) ::= LPAREN(A) expr(E) RPAREN(Z). { R = build_paren(P, A, E, Z); }

atom(R) ::= literal(L). { R = build_literal(P, L); }
atom(R) ::= ref(E). { R = E; }
atom(R) ::= array(E). { R = E; }
ref(R) ::= ID(N). { R = build_ref(P, N); }
ref(R) ::= ID(N) LPAREN RPAREN(Z). { R = build_call(P, N, NULL, NULL, Z); }
ref(R) ::= ID(N) LPAREN exprs(L) RPAREN(Z). { R = build_call(P, N, L, NULL, Z); }
ref(R) ::= ID(N) LPAREN exprs(L) where(W) RPAREN(Z). { R = build_call(P, N, L, W, Z); }
ref(R) ::= ref(E) DOT ID(N). { R = build_member(P, E, N); }
ref(R) ::= ref(E) LBRACKET expr(I) RBRACKET(Z). { R = build_index(P, E, I, Z); }
array(R) ::= LBRACKET(A) RBRACKET(Z). { R = build_items_expr(P, AST_EXPR_ARRAY, A, NULL, Z); }
array(R) ::= LBRACKET(A) exprs(L) RBRACKET(Z). { R = build_items_expr(P, AST_EXPR_ARRAY, A, L, Z); }
array(R) ::= LBRACKET(A) exprs(L) COMMA RBRACKET(Z).
    { R = build_items_expr(P, AST_EXPR_ARRAY, A, L, Z); }
exprs(R) ::= expr(E). { R = build_exprs(P, NULL, E); }
exprs(R) ::= exprs(L) COMMA expr(E). { R = build_exprs(P, L, E); }

%type map {struct ast_map *}
%type entries {struct ast_map *}
%type entry {struct ast_map_entry *}
map(R) ::= LBRACE(A) RBRACE(Z). { R = build_map(P, A, NULL, Z); }
map(R) ::= LBRACE(A) entries(L) RBRACE(Z). { R = build_map(P, A, L, Z); }
entries(R) ::= entry(E). { R = build_entries(P, NULL, E); }
entries(R) ::= entries(L) entry(E). { R = build_entries(P, L, E); }
entries(R) ::= entries(L) COMMA entry(E). { R = build_entries(P, L, E); }
entry(R) ::= value(K) EQ expr(E). { R = build_entry(P, K, E); }

strings(R) ::= STRING(S). { R = build_literals(P, NULL, S->literal); }
strings(R) ::= strings(L) COMMA STRING(S). { R = build_literals(P, L, S->literal); }
literals(R) ::= literal(V). { R = build_literals(P, NULL, V); }
literals(R) ::= literals(L) COMMA literal(V). { R = build_literals(P, L, V); }
literal(R) ::= value(V). { R = V; }
literal(R) ::= TRUE(T). { R = T->literal; }
literal(R) ::= FALSE(T). { R = T->literal; }
value(R) ::= INT(T). { R = T->literal; }
value(R) ::= DEC(T). { R = T->literal; }
value(R) ::= FLOAT(T). { R = T->literal; }
value(R) ::= PERCENT(T). { R = T->literal; }
value(R) ::= STRING(T). { R = T->literal; }
value(R) ::= DUR(T). { R = T->literal; }
value(R) ::= TSTAMP(T). { R = T->literal; }
value(R) ::= IP(T). { R = T->literal; }
value(R) ::= CIDR(T). { R = T->literal; }

path(R) ::= ID(N). { R = build_path(P, NULL, N); }
path(R) ::= path(L) DOT ID(N). { R = build_path(P, L, N); }
paths(R) ::= path(N). { R = build_paths(P, NULL, N); }
paths(R) ::= paths(L) COMMA path(N). { R = build_paths(P, L, N); }

/* ---------------------------------------------------------------------- what is expected */

%code {
/* States that reductions of one lookahead can push on top of each other: chains of empty rules. */
#define PROBE_DEPTH 64

/* Runs the automaton on the stack's state numbers without touching the stack. lemon's own loop over
 * yy_find_shift_action() would not do: compressed tables reduce by default before they notice an
 * error, and merged LALR states offer tokens that the context below forbids. */
bool parser_accepts(const void *parser, int token, bool *own)
{
    const yyParser *p = parser;
    const yyStackEntry *top = p->yytos;
    YYACTIONTYPE pushed[PROBE_DEPTH];
    int n = 0;
    while (n < PROBE_DEPTH) {
        YYACTIONTYPE state = n > 0 ? pushed[n - 1] : top->stateno;
        YYACTIONTYPE act = yy_find_shift_action((YYCODETYPE)token, state);
        if (act < YY_MIN_REDUCE) {
            *own = state <= YY_MAX_SHIFT && yy_lookahead[yy_shift_ofst[state] + token] == token;
            return act <= YY_MAX_SHIFTREDUCE || act == YY_ACCEPT_ACTION;
        }
        int rule = act - YY_MIN_REDUCE;
        int pop = -yyRuleInfoNRhs[rule];
        int from_pushed = pop < n ? pop : n;
        n -= from_pushed;
        top -= pop - from_pushed;
        state = n > 0 ? pushed[n - 1] : top->stateno;
        pushed[n++] = yy_find_reduce_action(state, yyRuleInfoLhs[rule]);
    }
    return false;
}

int parser_n_tokens(void)
{
    return YYNTOKEN;
}
}
