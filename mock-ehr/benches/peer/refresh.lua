-- wrk: refreshes again and again, each time with the refresh token of the answer before. One token goes round for each
-- connection that is busy. `wrk -s refresh.lua URL -- TOKENS CLIENT_ID SECRET`
local threads, waiting = 0, {}

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(arguments)
   client = "&client_id=" .. arguments[2] .. "&client_secret=" .. arguments[3]
   local line_number = 0
   for line in io.lines(arguments[1]) do
      -- Two threads share the file: one takes the even lines, the other the odd ones.
      if line_number % 2 == number % 2 then waiting[#waiting + 1] = line end
      line_number = line_number + 1
   end
   wrk.method = "POST"
   wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
end

function request()
   local token = table.remove(waiting)
   return wrk.format(nil, nil, nil, "grant_type=refresh_token&refresh_token=" .. (token or "none-left") .. client)
end

function response(status, headers, body)
   if status == 200 then
      waiting[#waiting + 1] = body:match('"refresh_token"%s*:%s*"([^"]+)"')
   elseif not said then
      said = true
      print("refused: " .. status .. " " .. body)
   end
end
