// The functions that completion offers, with their arguments and results; the service allows more.
export const FUNCTIONS = `
count(*)|how many rows
count(value)|how many that are not NULL
count(DISTINCT value)|how many different ones
sum(value)|the sum
avg(value)|the mean
min(value)|the smallest
max(value)|the largest
median(value)|the middle one
mode(value)|the most frequent one
stddev(value)|standard deviation of a sample
stddev_pop(value)|standard deviation
variance(value)|variance of a sample
var_pop(value)|variance
skewness(value)|skewness
kurtosis(value)|excess kurtosis
entropy(value)|entropy in bits
corr(y, x)|correlation
covar_samp(y, x)|covariance of a sample
regr_slope(y, x)|slope of the regression line
regr_r2(y, x)|its coefficient of determination
quantile_cont(value, share)|a quantile, interpolated
quantile_disc(value, share)|a quantile that occurs
approx_count_distinct(value)|about how many different ones
approx_quantile(value, share)|about a quantile
histogram(value)|how often each occurs, as a map
arg_min(value, by)|the value where another is smallest
arg_max(value, by)|the value where another is largest
any_value(value)|any that is not NULL
first(value)|the first one
last(value)|the last one
list(value)|all values, as a list
string_agg(text, separator)|texts joined
bool_and(condition)|whether all hold
bool_or(condition)|whether one holds
product(value)|the product
row_number()|number in the window
rank()|rank with gaps
dense_rank()|rank without gaps
percent_rank()|rank from 0 to 1
cume_dist()|share of rows up to this one
ntile(parts)|part of equal size
lag(value)|that of the row before
lead(value)|that of the row after
first_value(value)|that of the window's first row
last_value(value)|that of the window's last row
nth_value(value, n)|that of the n-th row
abs(number)|without its sign
round(number, digits)|rounded
floor(number)|rounded down
ceil(number)|rounded up
trunc(number)|without its fraction
sign(number)|-1, 0 or 1
sqrt(number)|square root
power(base, exponent)|power
exp(number)|e to the power
ln(number)|natural logarithm
log10(number)|logarithm of base 10
log2(number)|logarithm of base 2
sin(angle)|sine
cos(angle)|cosine
tan(angle)|tangent
atan2(y, x)|angle of a point
pi()|π
greatest(a, b)|the larger one
least(a, b)|the smaller one
coalesce(a, b)|the first that is not NULL
ifnull(value, other)|the other where it is NULL
nullif(a, b)|NULL where both are equal
lower(text)|in small letters
upper(text)|in capitals
length(text)|how many characters
trim(text)|without spaces around
left(text, n)|the first characters
right(text, n)|the last characters
substring(text, start, n)|a part
replace(text, old, new)|with another part
split_part(text, separator, n)|the n-th part
string_split(text, separator)|its parts, as a list
concat(a, b)|joined
concat_ws(separator, a, b)|joined with a separator
contains(text, part)|whether it holds a part
starts_with(text, part)|whether it begins so
ends_with(text, part)|whether it ends so
regexp_matches(text, pattern)|whether a pattern is in it
regexp_extract(text, pattern, group)|what a pattern finds
regexp_replace(text, pattern, new)|with other text for a pattern
levenshtein(a, b)|edits between two texts
jaro_winkler_similarity(a, b)|likeness from 0 to 1
len(list)|how long
list_contains(list, value)|whether it holds a value
list_distinct(list)|each once
list_sort(list)|sorted
list_aggregate(list, name)|an aggregate of it
list_transform(list, lambda)|with each changed
list_filter(list, lambda)|those that fit
unnest(list)|a row each
range(start, stop)|whole numbers up to one
generate_series(start, stop)|whole numbers with the last
map_keys(map)|its keys
map_values(map)|its values
hash(value)|a number of 64 bits
md5(text)|checksum
year(date)|its year
month(date)|its month
day(date)|its day
date_trunc(part, date)|its beginning
date_diff(part, start, end)|how many parts between
strftime(date, format)|as text
now()|this moment
random()|a number from 0 to 1
typeof(value)|its type
cast(value AS type)|as another type
try_cast(value AS type)|as another type, or NULL
`
  .trim()
  .split("\n")
  .map((line) => {
    const [call, says] = line.split("|");
    return { name: call.slice(0, call.indexOf("(")), call, says };
  });

export const KEYWORDS =
  "GROUP BY|GROUP BY ALL|ORDER BY|ORDER BY ALL|LIMIT|HAVING|QUALIFY|JOIN|LEFT JOIN|INNER JOIN|CROSS JOIN|ON|USING|WITH|WITH RECURSIVE|AS|AND|OR|NOT|IN|IS NULL|IS NOT NULL|BETWEEN|LIKE|ILIKE|SIMILAR TO|EXISTS|CASE|WHEN|THEN|ELSE|END|DISTINCT|UNION|UNION ALL|INTERSECT|EXCEPT|EXCLUDE|DESC|ASC|NULLS LAST|NULLS FIRST|OVER|PARTITION BY|FILTER|WINDOW|TRUE|FALSE|NULL|VALUES|OFFSET|INTERVAL|SELECT|FROM|WHERE"
    .split("|");
