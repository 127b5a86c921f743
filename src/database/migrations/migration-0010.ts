/** Counters of rate limits, and the time until which the process of an additional world vouches for it. */
export const statements: readonly string[] = [
  `create table "rate_limit" ("key" varchar(255) not null, "points" integer not null default 0, "expire" bigint null, primary key ("key"))`,
  `create index "rate_limit_expire_index" on "rate_limit" ("expire")`,
  `alter table "world" add column "alive_until" timestamptz(3) null`,
];
