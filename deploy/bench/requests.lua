-- What wrk asks for: `wrk … -s requests.lua URL -- KIND TENANTS EMPLOYEES`. TENANTS is a file with a line
-- for each tenant: number, slug, access token. Every request goes to a tenant and an employee at random.

local threads = 0

function setup(thread)
    threads = threads + 1
    thread:set("number", threads)
end

local requests, added = {}, 0
-- Tells the addresses of this run and thread from those of others.
local employees, series

local function employee(tenant, number, kind)
    return string.format("01900000-%04x-7%03x-8000-%012x", tenant, kind or 0, number)
end

-- What a hire sends, each time another one.
local function hire(t)
    added = added + 1
    return string.format(
        '{"first_name": "Neena", "last_name": "Yang", "work_email": "bench-%d-%d@bench.example", '
            .. '"hire_date": "2026-11-02", "department_id": "%s", "job_title_id": "%s", '
            .. '"location_id": "%s", "manager_id": "%s", '
            .. '"compensation": {"amount": "52000.00", "currency": "EUR", "pay_period": "yearly"}}',
        series, added,
        employee(t.number, 1, 1), employee(t.number, 1, 2), employee(t.number, 1, 3),
        employee(t.number, 1)
    )
end

local function listed(query)
    return function(t) return function() return t.get("/api/v1/employees?limit=25" .. query) end end
end

local function shown(query, headers)
    return function(t)
        return function()
            return t.get("/api/v1/employees/" .. employee(t.number, math.random(employees)) .. query, headers)
        end
    end
end

local kinds = {
    list = listed(""),
    list_with_count = listed("&count=exact"),
    list_filtered_and_sorted = function(t)
        return listed("&sort=-hire_date&department_id=" .. employee(t.number, 1, 1))(t)
    end,
    list_searched = listed("&q=ben"),
    list_of_three_fields = listed("&fields=id,first_name,last_name"),
    list_expanded = listed("&expand=department"),
    detail = shown(""),
    detail_with_a_trace = shown("", "\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    detail_of_three_fields = shown("?fields=id,first_name,last_name"),
    detail_expanded = shown("?expand=department,manager"),
    detail_as_of = shown("?as_of=2026-01-31"),
    create = function(t) return function() return t.post("/api/v1/employees", hire(t)) end end,
    create_once = function(t)
        return function()
            local body = hire(t)
            return t.post("/api/v1/employees", body, "\r\nIdempotency-Key: " .. series .. "-" .. number .. "-" .. added)
        end
    end,
    login = function(t)
        local body = '{"email": "admin@bench.example", "password": "a-password-of-the-bench"}'
        return function() return t.post("/api/v1/auth/login", body) end
    end,
}

function init(arguments)
    local kind, file = arguments[1], arguments[2]
    employees = tonumber(arguments[3])
    math.randomseed(os.time() + number * 7919)
    series = os.time() * 1000 + math.random(1000)
    for line in io.lines(file) do
        local tenant, slug, token = line:match("^(%d+)\t(%S+)\t(%S+)$")
        local headers = "\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\nX-Tenant-Slug: " .. slug
        if kind ~= "login" then headers = headers .. "\r\nAuthorization: Bearer " .. token end
        local t = { number = tonumber(tenant), slug = slug }
        function t.get(path, more) return "GET " .. path .. " HTTP/1.1" .. headers .. (more or "") .. "\r\n\r\n" end
        function t.post(path, body, more)
            return "POST " .. path .. " HTTP/1.1" .. headers .. (more or "") .. "\r\nContent-Type: application/json"
                .. "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
        end
        requests[#requests + 1] = kinds[kind](t)
    end
end

function request()
    return requests[math.random(#requests)]()
end

function done(summary, latency)
    local errors = summary.errors
    print(string.format(
        'RESULT {"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "refused": %d, "broken": %d}',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        errors.status, errors.connect + errors.read + errors.write + errors.timeout
    ))
end
